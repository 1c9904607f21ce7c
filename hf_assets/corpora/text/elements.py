"""HTML's own elements by what they do to a text, and its character references."""

import html
import re


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


BLOCKS = _names(
    """
    address article aside blockquote body br button caption center col colgroup dd details
    dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header
    hgroup hr html legend li link main menu meta nav ol optgroup option p search section
    select summary table tbody td textarea tfoot th thead title tr ul
    """
)
INLINE = _names(
    """
    a abbr acronym audio b bdi bdo big canvas cite code data datalist del dfn em embed font i
    iframe img input ins kbd label map mark meter noscript object output param picture
    progress q s samp slot small source span strike strong sub sup svg time track tt u var
    video wbr
    """
)

_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)


def decoded(text: str) -> str:
    """Character references as what they stand for: `&amp;` is `&`.

    Without its semicolon, `&copy=1` is rather part of an address.
    """
    return _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
