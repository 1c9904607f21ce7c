"""The pipeline as scripts of its kind do it: pandas, from CSV. Results agree with ours."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

TAGS = ("text-classification", "text-generation")
COUNT = 20
POPULARITY = ["downloads", "likes", "trending_score"]


def pipeline(folder: Path) -> dict[str, Any]:
    """Clean, enrich, choose, count and aggregate; returns numbers to compare by."""
    models = pd.read_csv(folder / "models.csv", low_memory=False, keep_default_na=True)
    models = models.drop_duplicates("hub_id", keep="last")
    models["created_at"] = pd.to_datetime(models["created_at"], format="ISO8601", utc=True)
    models["last_modified"] = pd.to_datetime(models["last_modified"], format="ISO8601", utc=True)
    models["year"] = models["created_at"].dt.year
    models[POPULARITY] = models[POPULARITY].clip(lower=0)
    models["tags"] = models["tags"].fillna("[]").map(json.loads)

    spaces = pd.read_csv(folder / "enriched_spaces.csv", low_memory=False)
    spaces = spaces.drop_duplicates("hub_id", keep="last")
    spaces["models"] = spaces["models"].fillna("[]").map(json.loads)
    spaces["n_models"] = spaces["models"].map(len)

    edges = (
        spaces[["hub_id", "author", "likes", "models"]].explode("models").dropna(subset="models")
    )
    edges = edges.merge(models[["id", "category"]], left_on="models", right_on="id", how="left")
    categories = edges.groupby("hub_id")["category"].agg(lambda found: sorted(set(found.dropna())))
    spaces = spaces.merge(categories.rename("categories"), on="hub_id", how="left")

    chosen = []
    for tag in TAGS:
        has = (models["category"] == tag) | models["tags"].map(lambda tags, tag=tag: tag in tags)
        best = models[has].sort_values(["likes", "id"], ascending=[False, True]).head(COUNT)
        chosen.append(best.assign(tag=tag))
    top = pd.concat(chosen)

    usage = edges.groupby("models").agg(
        spaces=("hub_id", "size"), authors=("author", "nunique"), likes=("likes", "sum")
    )
    chosen_pairs = edges.merge(top[["id", "tag"]], left_on="models", right_on="id")
    by_tag = chosen_pairs.groupby("tag")["hub_id"].agg(["size", "nunique"])

    sums = {}
    for key in ("category", "library", "license", "year", "author"):
        sums[key] = models.groupby(key, dropna=False).agg(
            rows=("id", "size"),
            downloads=("downloads", "sum"),
            all_time=("downloads_all_time", "sum"),
            likes=("likes", "sum"),
            trending=("trending_score", "sum"),
        )
    sdk = spaces.groupby("sdk", dropna=False).agg(rows=("id", "size"), likes=("likes", "sum"))
    most = models.nlargest(1000, "downloads")
    described = models[POPULARITY].describe()
    pearson, spearman = (models[POPULARITY].corr(method=how) for how in ("pearson", "spearman"))
    downloads = models["downloads"].sort_values().to_numpy(float)
    place = pd.Series(range(1, len(downloads) + 1)).to_numpy(float)
    gini = 2 * (place * downloads).sum() / (len(downloads) * downloads.sum()) - (
        len(downloads) + 1
    ) / len(downloads)

    models.drop(columns=["tags"]).to_parquet(folder / "pandas-models.parquet")
    spaces.drop(columns=["models", "tags"]).to_parquet(folder / "pandas-spaces.parquet")
    return {
        "models": len(models),
        "spaces": len(spaces),
        "pairs": len(edges),
        "downloads": int(models["downloads"].sum()),
        "used models": len(usage),
        "chosen pairs": int(by_tag["size"].sum()),
        "categories": len(sums["category"]),
        "sdk": len(sdk),
        "top": int(most["downloads"].sum()),
        "mean": float(described.loc["mean", "downloads"]),
        "pearson": float(pearson.loc["likes", "downloads"]),
        "spearman": float(spearman.loc["likes", "downloads"]),
        "gini": float(gini),
    }
