/** The server does not answer, or the connection to it broke: nothing is wrong with the data, so try again. */
export class DatabaseUnavailable extends Error {
  constructor(where: string, reason: string, options?: ErrorOptions) {
    super(
      `the database ${where} cannot be reached (${reason}): whether the last statement took effect is unknown; ` +
        `check that the server runs and that DATABASE_URL is right, every step may be repeated`,
      options,
    );
    this.name = "DatabaseUnavailable";
  }
}

export class DatabaseFull extends Error {
  constructor(where: string, reason: string, options?: ErrorOptions) {
    super(`the database ${where} has no room left (${reason}): free disk space there, then start again`, options);
    this.name = "DatabaseFull";
  }
}

/** Two processes on one embedded database would corrupt it. */
export class DatabaseInUse extends Error {
  constructor(where: string, holder: string) {
    super(
      `the database ${where} is in use by ${holder}: stop that one first, or share a Postgres server (DATABASE_URL)`,
    );
    this.name = "DatabaseInUse";
  }
}

/** The embedded database's folder cannot be used. */
export class DatabaseBroken extends Error {
  constructor(where: string, reason: string, options?: ErrorOptions) {
    super(
      `the database ${where} cannot be opened (${reason}): restore the folder from a backup, or move it away to start ` +
        `with an empty one; what is open is found again from the outlet and the chain`,
      options,
    );
    this.name = "DatabaseBroken";
  }
}

export class SchemaTooNew extends Error {
  constructor(found: number, known: number) {
    super(
      `the database's schema is version ${found}, this program knows ${known}: ` +
        `update this program, a newer one has worked here`,
    );
    this.name = "SchemaTooNew";
  }
}

export class EvidenceMismatch extends Error {
  constructor(said: string, computed: string) {
    super(`evidence said to have the hash ${said} has ${computed}: it is not kept; read the evidence again`);
    this.name = "EvidenceMismatch";
  }
}

/** Would wait for itself for ever. */
export class AskedOutsideTransaction extends Error {
  constructor() {
    super("the embedded database was asked from inside a transaction, but not by it: ask the transaction's own `tx`");
    this.name = "AskedOutsideTransaction";
  }
}
