"""Large texts for scripts of the site, compressed: a third for any server and any folder.

Browsers unpack them by themselves; a page opened as a file could not fetch a compressed file.
"""

import base64
import gzip

UNPACKED = """new Response(new Blob([
  Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0)),
]).stream().pipeThrough(new DecompressionStream("gzip"))).text()"""


def zipped(data):
    """Return bytes as text: compressed, in base 64."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def packed(text):
    """Return an expression in JavaScript: a promise of the text. The same text gives the same."""
    return UNPACKED % zipped(text.encode())
