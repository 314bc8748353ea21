"""FORMAT_MODULE_PATH: how the admin writes times. Its language is that of the site as spoken in the world, en-001."""
