"""What is compiled or handed to oneDNN so that only the hardware is in the way."""
