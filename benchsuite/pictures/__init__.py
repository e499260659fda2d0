"""Pictures of poses, of people and of confusions."""
