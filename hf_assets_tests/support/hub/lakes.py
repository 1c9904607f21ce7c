"""Where the lake of a test of captures lies, other than by default: a folder and, before a release,
a store.
"""

import pytest

both_stores = pytest.mark.parametrize("lake", ["folder", "store"], indirect=True)
in_a_folder = pytest.mark.parametrize("lake", ["folder"], indirect=True)
