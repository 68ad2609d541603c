//! The finished schema: complete, bounded, small, and its tables all in use.
