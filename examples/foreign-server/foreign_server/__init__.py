"""A server of the core of Protocol 1, written from conformance/PROTOCOL.md alone."""
