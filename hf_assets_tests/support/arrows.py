"""Which room of the package may import which."""

# Rooms that every other room may import.
GROUND = {
    "storage",
    "memory",
    "object_store",
    "errors",
    "settings",
    "rule_result",
    "literals",
    "transport",
    "csv_cells",
    "progress",
    "ui_words",
    "markdown",
    "process_groups",
}
# The modules of a folder are one room; a module beside sub-rooms is a room of its own. A room
# imports the rooms of its line and the ground, nothing else; a name stands for what is below it.
ARROWS = {
    "errors": set(),
    "label_settings": set(),
    "settings": {"errors", "label_settings", "object_store"},
    "rule_result": set(),
    "literals": set(),
    "transport": set(),
    "csv_cells": set(),
    "progress": set(),
    "ui_words": set(),
    "markdown": set(),
    "process_groups": set(),
    "object_store": {"errors"},
    "memory": set(),
    "storage": {"errors", "memory", "object_store", "progress", "settings"},
    # What failed → a message → a person.
    "alarms": set(),
    "definitions": {"defs"},
    "launching": {"definitions"},
    # Dagster loads them where its configuration names them.
    "ray_launcher": set(),
    "run_logs": {"log_subscriptions"},
    "log_subscriptions": set(),
    "charts": set(),
    # The Hub: a page of a listing → a day's capture → tables → rules and changes.
    "hub.client": set(),
    "hub.capture_store": {"hub.client"},
    "hub.archive": {"hub.client"},
    "hub.archive_folder": {"hub.archive", "hub.client"},
    "hub.open_archive": {"hub.archive", "hub.archive_folder", "hub.client"},
    "hub.tables": {"hub.archive", "hub.capture_store", "hub.client"},
    "hub.space_code": {"hub.archive", "hub.client", "hub.tables"},
    "hub.repository_days": {"hub.tables"},
    "hub.retention": {"hub.capture_store", "hub.repository_days", "hub.tables"},
    "hub.uses": {"hub.capture_store", "hub.client", "hub.tables"},
    "hub.attempts": set(),
    "hub.newest_day": set(),
    "hub.providers": {"hub.client"},
    "hub.quality": {
        *("hub.capture_store", "hub.client", "hub.repository_days", "hub.retention", "hub.tables"),
    },
    "hub.reconciliation": {"hub.archive", "hub.capture_store", "hub.client", "hub.tables"},
    "hub.capture": {
        *("hub.archive", "hub.capture_store", "hub.client", "hub.quality", "hub.reconciliation"),
    },
    # Days → a day's aggregates → series → figures → the report.
    "trends.spikes": set(),
    "trends.survival": set(),
    "trends.metrics": {"hub.tables", "hub.uses"},
    "proportions": set(),
    "trends.series": {
        *("hub.quality", "hub.tables", "trends.metrics", "trends.survival"),
    },
    # Of every repository, from its days.
    "trends.lives": {
        "hub.quality",
        "hub.repository_days",
        "hub.tables",
        "trends.series",
        "trends.spikes",
    },
    "trends.predictions": {"hub.tables", "proportions", "trends.series"},
    "trends.figures.day": {"charts", "trends.metrics"},
    "trends.figures.history": {
        *("charts", "hub.providers", "hub.quality", "trends.figures.day", "trends.lives"),
        *("trends.metrics", "trends.series"),
        "trends.spikes",
    },
    "trends.figures.registry": {"charts", "trends.figures.day", "trends.figures.history"},
    "trends.figures.render": {
        *("charts", "trends.figures.day", "trends.figures.history", "trends.figures.registry"),
    },
    "trends.report": {"charts", "hub.quality", "trends.figures", "trends.series"},
    # Sources of texts with labels → a corpus.
    "corpora.schemas": set(),
    "corpora.labels": set(),
    "corpora.text": set(),
    "corpora.near_duplicates": {"corpora.text"},
    "corpora.groups": {"corpora.near_duplicates", "corpora.schemas"},
    "corpora.lengths": set(),
    "corpora.facts": {"corpora.lengths", "corpora.schemas"},
    "corpora.corpus": {"corpora.facts", "corpora.labels", "corpora.schemas"},
    "corpora.hub": {"corpora.groups", "corpora.schemas"},
    "corpora.figures": {"charts", "corpora.corpus", "corpora.facts"},
    "corpora.growth": {"corpora.corpus", "corpora.labels", "corpora.stackexchange"},
    "corpora.quality": {"corpora.corpus", "corpora.facts"},
    "corpora.stackexchange": {"corpora.schemas"},
    "corpora.entries": set(),
    "corpora.registry": {"corpora.entries", "corpora.stackexchange", "corpora.text"},
    "corpora.kaggle": {"corpora.corpus", "corpora.schemas"},
    "corpora.tables": {"corpora.corpus", "corpora.registry", "corpora.schemas"},
    "corpora.building": {
        *("charts", "corpora.corpus", "corpora.facts", "corpora.figures", "corpora.groups"),
        *("corpora.growth", "corpora.lengths"),
        *("corpora.labels", "corpora.registry", "corpora.schemas", "corpora.stackexchange"),
        "corpora.text",
    },
    # A corpus → a classifier → ONNX and int8 → a leaderboard → a folder to publish.
    "classifiers.metrics": {"classifiers.records"},
    "classifiers.thresholds": {"classifiers.metrics", "classifiers.records"},
    "classifiers.records": set(),
    "classifiers.techniques": {"corpora.corpus"},
    "classifiers.guard": set(),
    "classifiers.own_base_models": {"classifiers.training", "corpora.entries"},
    "classifiers.speed": set(),
    "classifiers.meaning": set(),
    "classifiers.tfidf": set(),
    "classifiers.tagger": {"classifiers.tagger_workers", "classifiers.tfidf"},
    "classifiers.tagger_workers": set(),
    "classifiers.tagger_cli": {"classifiers.tagger"},
    "classifiers.quality": {"classifiers.records"},
    "classifiers.encoders": set(),
    "classifiers.provenance": {"classifiers.records", "corpora.corpus", "corpora.growth"},
    "classifiers.token_counting": {"classifiers.training", "corpora.lengths"},
    "classifiers.training": {
        "classifiers.encoders",
        *("charts", "classifiers.metrics", "classifiers.provenance", "classifiers.records"),
        *("classifiers.speed", "classifiers.techniques", "classifiers.thresholds"),
        "corpora.corpus",
    },
    "classifiers.few_rows": {
        *("classifiers.techniques", "classifiers.thresholds", "classifiers.training"),
        "corpora.corpus",
    },
    "classifiers.export": {
        *("classifiers.metrics", "classifiers.provenance", "classifiers.quality"),
        *("classifiers.records", "classifiers.speed", "classifiers.tagger"),
        *("classifiers.thresholds", "classifiers.training", "corpora.corpus"),
    },
    "classifiers.evaluation": {
        *("charts", "classifiers.metrics", "classifiers.provenance", "classifiers.records"),
        *("classifiers.speed", "classifiers.tagger", "classifiers.tfidf"),
        *("classifiers.thresholds", "classifiers.training", "corpora.corpus"),
    },
    "classifiers.prediction": {
        *("classifiers.evaluation", "classifiers.provenance", "classifiers.records"),
        *("classifiers.tagger", "classifiers.tfidf", "corpora.corpus", "corpora.hub"),
        *("hub.tables", "proportions"),
    },
    "classifiers.drift": {
        *("classifiers.evaluation", "classifiers.prediction", "classifiers.provenance"),
        *("classifiers.records", "classifiers.tagger", "classifiers.tfidf"),
        *("classifiers.training", "corpora.building", "corpora.corpus", "corpora.growth"),
        *("corpora.hub", "corpora.labels", "corpora.registry", "proportions"),
    },
    "classifiers.publishing.template": set(),
    "classifiers.publishing": {
        *("classifiers.evaluation", "classifiers.provenance", "classifiers.quality"),
        *("classifiers.records", "classifiers.training", "corpora.corpus"),
    },
    # Days, series and figures → a dataset repository on the Hub.
    "publishing": {
        *("hub.providers", "hub.quality", "hub.repository_days", "hub.space_code", "hub.tables"),
        *("hub.uses", "trends.metrics", "trends.series"),
    },
    # What is wrong with files and folders that settings name.
    "configuration": {
        *("classifiers.own_base_models", "classifiers.training", "corpora.registry"),
        *("hub.archive", "hub.archive_folder"),
        "hub.open_archive",
    },
    # Pages for people.
    "apps.index": {"hub.repository_days", "hub.tables", "trends.metrics"},
    "apps.explore": {
        *("apps.index", "charts", "hub.quality", "hub.repository_days", "trends.lives"),
        *("trends.metrics", "trends.spikes"),
    },
    "apps.pages": {"apps.explore", "apps.index", "charts", "trends.lives", "trends.spikes"},
    "apps.insights": {"apps.explore"},
    "apps.trained": {"classifiers.tagger", "corpora.corpus"},
    "apps.tagger_service": {
        *("apps.trained", "classifiers.guard", "classifiers.meaning", "classifiers.tagger"),
        "corpora.corpus",
    },
    "apps.tagger_batch": {"apps.tagger_service", "corpora.corpus"},
    "apps.tagger_html": {"apps.tagger_service", "apps.trained", "classifiers.tagger"},
    "apps.tagger_several": {"apps.tagger_batch", "apps.tagger_html", "apps.tagger_service"},
    "apps.tagger": {
        *("apps.tagger_html", "apps.tagger_several", "apps.tagger_service", "apps.trained"),
        "classifiers.guard",
    },
    # The graph.
    "defs.common": {"classifiers.own_base_models", "classifiers.training", "corpora", "hub"},
    "defs.hub": {"alarms", "defs.common", "defs.configuration", "defs.trends", "hub"},
    "defs.trends": {
        *("charts", "defs.common", "hub.providers", "hub.repository_days", "publishing.record"),
        *("publishing.withheld", "trends"),
    },
    "defs.configuration": {"configuration", "defs.common", "hub.open_archive"},
    "defs.sweeping": {"copying", "defs.common"},
    "defs.publishing": {
        *("defs.common", "defs.hub", "defs.labels", "defs.trends", "publishing"),
    },
    "defs.labels": {"charts", "classifiers", "corpora", "defs.common", "hub", "publishing"},
    # A lake into another folder or store.
    "copying": {"hub.capture_store", "hub.repository_days"},
    # Dagster as a process, for the command line and the demo.
    "runner": {"hub.capture_store"},
    # Services and worlds for tests and for a first look.
    "demo.service": set(),
    "demo.world": set(),
    "demo.hub_stats": {"demo.service", "demo.world"},
    "demo.repositories": {"demo.service"},
    "demo.hub": {"demo.hub_stats", "demo.repositories", "demo.service", "demo.world"},
    "demo.labels": {"demo.hub", "demo.service"},
    "demo.fingerprints": set(),
    "demo.record": {"demo.fingerprints"},
    "demo.past": {"demo.hub_stats", "demo.record", "demo.world"},
    "demo.plan": {"demo.past", "demo.record", "hub.capture_store", "runner"},
    "demo.steps": {
        *("demo.fingerprints", "demo.past", "demo.plan", "demo.record", "hub.capture_store"),
        "runner",
    },
    "demo.summary": {
        *("classifiers.drift", "classifiers.evaluation", "classifiers.quality", "demo.past"),
        *("demo.steps", "label_settings"),
        *("hub.capture_store", "hub.client", "hub.quality", "hub.tables"),
        *("classifiers.prediction", "corpora.corpus", "corpora.quality"),
    },
    "demo.running": {
        *("demo.fingerprints", "demo.labels", "demo.plan", "demo.service", "demo.steps"),
        *("demo.summary", "runner"),
    },
    "demo.options": {"demo.fingerprints", "demo.record", "runner"},
    "demo.serving": {
        *("demo.hub", "demo.labels", "demo.options", "demo.past", "demo.record", "demo.running"),
        "demo.world",
    },
    "demo.__main__": {
        *("demo.hub_stats", "demo.options", "demo.past", "demo.plan", "demo.record"),
        *("demo.running", "demo.serving", "demo.steps", "demo.summary", "runner"),
    },
    # The same on PostgreSQL, a store and Ray, beside a single machine.
    "demo.cluster": {
        *("demo.options", "demo.past", "demo.plan", "demo.running", "demo.serving", "demo.steps"),
        *("demo.summary", "hub.capture_store", "runner"),
    },
    # `hf-assets`: a door to each of these.
    "cli": {
        *("apps.insights", "apps.tagger", "classifiers.tagger_cli", "demo.__main__", "runner"),
        *(
            "alarms",
            "configuration",
            "copying",
            "demo.cluster",
            "hub.capture_store",
            "hub.client",
            "hub.newest_day",
        ),
        "hub.quality",
    },
}
