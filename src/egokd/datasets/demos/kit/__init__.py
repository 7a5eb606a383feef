"""What both demo worlds are drawn with."""
