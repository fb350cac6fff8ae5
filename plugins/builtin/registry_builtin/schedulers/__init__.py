"""Schedulers: decay rules, cosine and cyclical schedules, and schedulers composed of others."""
