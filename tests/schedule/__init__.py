"""What the tests of schedules and of generated code share."""
