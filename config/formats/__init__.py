"""FORMAT_MODULE_PATH: how the admin writes times. The locale of the admin is en-001, international English."""
