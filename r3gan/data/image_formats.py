"""Which image formats are read, and the endings of files that hold images."""

READ = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "WebP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
}  # format -> endings
READ_TEXT = f"{', '.join(list(READ)[:-1])} or {list(READ)[-1]}"
SUFFIXES = tuple(suffix for suffixes in READ.values() for suffix in suffixes)
UNREAD_SUFFIXES = (
    *(".heic", ".heif", ".hif", ".avif", ".avifs", ".jxl", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jxr"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".dib", ".tga", ".psd", ".exr", ".hdr", ".dds", ".qoi"),
)  # images all the same: files that end so are an error, not left out


def begins_as(data: bytes) -> str | None:
    """The format that is read whose files begin so."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    starts = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP", b"GIF8": "GIF"}
    starts |= {b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF"}
    return next((kind for start, kind in starts.items() if data.startswith(start)), None)
