-- An account has the currency and the type of its product. An account without a product has none to differ from.
ALTER TABLE bank_account ADD CONSTRAINT account_of_its_product
  FOREIGN KEY (product_id, currency, type) REFERENCES product (id, currency, kind) NOT VALID;
