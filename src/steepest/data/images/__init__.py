"""Images to arrays: folders of pictures, .npz and IDX files."""

from steepest.data.images.images import Images, size_text
from steepest.data.images.read import holds_images, parse_size, read_images

__all__ = ["Images", "holds_images", "parse_size", "read_images", "size_text"]
