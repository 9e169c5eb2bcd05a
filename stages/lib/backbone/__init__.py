"""The frozen networks, what augments their input, and the Keras backend that runs them."""
