"""How fast Almanac is, side by side with what one would use instead: `python -m bench`."""
