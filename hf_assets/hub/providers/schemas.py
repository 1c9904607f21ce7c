"""Schemas of the tables of inference providers: who serves a model, at what price."""

import polars as pl

from hf_assets.storage.parquet import Column, Table

TIME = pl.Datetime("ms", "UTC")
TEXTS = pl.List(pl.String)

_DAY = Column(pl.Date, "Day of the answer, UTC: the partition.")
_INPUT = "US dollars for a million input tokens"
_OUTPUT = "US dollars for a million output tokens"

# A row a day: the answer as served.
RAW_INFERENCE_PROVIDERS = Table(
    name="raw_inference_providers",
    required=("day", "address", "fetched", "body"),
    columns={
        "day": _DAY,
        "address": Column(pl.String, "The router's list of models, as asked for."),
        "fetched": Column(TIME, "When the answer was complete, UTC."),
        "body": Column(pl.String, "The answer, unchanged: JSON."),
    },
)

INFERENCE_PROVIDERS = Table(
    name="inference_providers",
    required=("model", "provider"),
    preview_by="price_output",
    columns={
        "day": _DAY,
        "model": Column(pl.String, "The model's id on the Hub, as the router names it."),
        "provider": Column(pl.String, "Who serves it, such as together or groq."),
        "status": Column(pl.String, "Of the offer, such as live or error; null: not given."),
        "price_input": Column(pl.Float64, f"{_INPUT}; null: not given."),
        "price_output": Column(pl.Float64, f"{_OUTPUT}; null: not given."),
        "free": Column(pl.Boolean, "The provider serves this model for free."),
        "context_length": Column(pl.Int64, "Tokens of the longest context; null: not given."),
        "first_token_latency": Column(
            pl.Float64, "Milliseconds to the first token, as the router measured; null: unknown."
        ),
        "throughput": Column(pl.Float64, "Tokens a second, likewise."),
        "tools": Column(pl.Boolean, "Takes tools (function calls)."),
        "structured_output": Column(pl.Boolean, "Gives output under a JSON schema."),
        "by_author": Column(pl.Boolean, "The provider is the model's author."),
        "input_modalities": Column(TEXTS, "What the model takes: text, image, audio, …"),
        "output_modalities": Column(TEXTS, "What the model gives."),
        "created": Column(TIME, "The router's date of the model, UTC."),
    },
)

PROVIDER_HISTORY = Table(
    name="provider_history",
    required=("day", "of"),
    preview_by="offers",
    columns={
        "day": _DAY,
        "of": Column(
            pl.String,
            "offer: a model of a provider; model: all its offers; provider: all its models; total.",
        ),
        "model": Column(pl.String, "Of an offer, and of a model."),
        "provider": Column(pl.String, "Of an offer, and of a provider."),
        "offers": Column(pl.Int64, "Offers counted: (model, provider) pairs."),
        "live": Column(pl.Int64, "Offers whose status is live."),
        "priced": Column(pl.Int64, "Offers with both prices."),
        "models": Column(pl.Int64, "Distinct models among them."),
        "providers": Column(pl.Int64, "Distinct providers among them."),
        "price_input": Column(pl.Float64, f"{_INPUT}: the median of the priced offers."),
        "price_output": Column(pl.Float64, f"{_OUTPUT}: the median of the priced offers."),
        "cheapest_output": Column(pl.Float64, f"{_OUTPUT}: the lowest of the priced offers."),
        "dearest_output": Column(pl.Float64, f"{_OUTPUT}: the highest of the priced offers."),
        "context_length": Column(pl.Int64, "Tokens: the longest of the offers."),
        "first_token_latency": Column(pl.Float64, "Milliseconds: the median of the offers."),
        "throughput": Column(pl.Float64, "Tokens a second: the median of the offers."),
    },
)
