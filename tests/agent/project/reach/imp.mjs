import '#inner';
