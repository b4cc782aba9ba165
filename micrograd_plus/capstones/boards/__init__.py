"""Rules of games, on many boards at once: no network, no learning."""
