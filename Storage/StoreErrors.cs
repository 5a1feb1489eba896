namespace FleetMdm.Storage;

/// <summary>
/// The store could not answer: away, restarting, full, out of connections, or shutting down. Nothing was promised. The outcome
/// of a write may be unknown; every write of the ports is idempotent, so the caller repeats it.
/// </summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The database refused this one row (too long, not valid, broken): repeating it cannot help.</summary>
public sealed class StoreRejectedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What was to be written is refused by the work itself, not by the database: whoever asked for it gets this very exception, and nothing was
/// written.</summary>
public abstract class WorkRefusedException(string message) : Exception(message);
