"""The modifiers M1 to M17, a block each: words for readers, trigger, effect and sentences."""
