"""Images and films from generators that are trained already, ours or the official ones."""
