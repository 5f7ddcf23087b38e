"""The same work for each peer. Imported in the peers' own environment, so nothing here may import Almanac."""
