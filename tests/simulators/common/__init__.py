"""What the simulators have in common as programs: none of it knows a vendor."""
