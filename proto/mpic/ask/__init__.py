"""`mpic ask` and `mpic perspectives`: what a caller types and reads."""
