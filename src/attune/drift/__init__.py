"""Monitors, data checks, distances and verdicts."""
