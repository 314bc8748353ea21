"""The endpoints, one module each, thin: they read, call one step after the other, and answer."""
