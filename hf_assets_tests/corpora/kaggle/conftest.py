"""An embedded Kaggle."""

from typing import Any

import pytest

from hf_assets.demo.labels.kaggle import create_app
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.corpora.kaggle import COUNT, TEXTS, Kaggle, ServeKaggle


@pytest.fixture
def kaggle(serve: Serve) -> ServeKaggle:
    def start(count: int = COUNT, **options: Any) -> Kaggle:
        app = create_app(TEXTS, count, **options)
        return Kaggle(app, serve(app).url, [], [])

    return start
