"""The ground benchsuite stands on: what flows, who may act on it, how a name is registered."""
