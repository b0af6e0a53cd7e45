"""The store in random orders of events, request by request."""
