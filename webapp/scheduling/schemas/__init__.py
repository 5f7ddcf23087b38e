"""What the API takes and answers: `fields` are the kinds of values, `guests` and `members` who sends them."""
