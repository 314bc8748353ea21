-- An account must have the currency and the type of its product. The foreign key does not apply to an account without a
-- product.
ALTER TABLE bank_account ADD CONSTRAINT account_of_its_product
  FOREIGN KEY (product_id, currency, type) REFERENCES product (id, currency, kind) NOT VALID;
