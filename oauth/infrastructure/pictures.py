"""Makes a small PNG of a picture that a stranger chose.

The output is drawn by us, pixel by pixel: it has no metadata, no animation, no second format hidden behind the first,
and a known size. SVG is refused, because it is a document that can hold scripts and links (ASVS 5.0 5.2.6, 1.3.4).
"""

import io
import struct

SIDE_PIXELS = 128
# The limit for a picture before it is decoded: a file of a few kilobytes can describe one that fills the memory.
MAX_PIXELS = 2048 * 2048
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# The errors of the decoders for a file that is incomplete or damaged.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)


class NotAPicture(Exception):
    """The text is safe to show to the owner of the picture."""


def square_png(content: bytes) -> bytes:
    """The picture in a transparent square of SIDE_PIXELS. Raises NotAPicture."""
    # Only the background worker draws, so no other process loads the decoders.
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as found:
            width, height = found.size
            if width * height > MAX_PIXELS:
                raise NotAPicture(f"the picture has {width} x {height} pixels, and may have {MAX_PIXELS}.")
            picture = ImageOps.contain(ImageOps.exif_transpose(found).convert("RGBA"), (SIDE_PIXELS, SIDE_PIXELS))
    except UnidentifiedImageError:
        raise NotAPicture(f"it is not a picture. It must be one of {', '.join(_FORMATS)}.") from None
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        raise NotAPicture("the picture cannot be decoded.") from error
    square = Image.new("RGBA", (SIDE_PIXELS, SIDE_PIXELS))
    square.paste(picture, ((SIDE_PIXELS - picture.width) // 2, (SIDE_PIXELS - picture.height) // 2))
    drawn = io.BytesIO()
    square.save(drawn, "PNG", optimize=True)
    return drawn.getvalue()
