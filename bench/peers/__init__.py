"""What ours is measured against: floors (as little as Django and DRF can do) and what a team would use instead."""
