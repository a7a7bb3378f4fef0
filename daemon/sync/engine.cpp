// being rewritten
