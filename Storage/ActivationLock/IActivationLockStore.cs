namespace FleetMdm.Storage.ActivationLock;

/// <summary>Codes that lift Activation Lock, sealed. They outlive the history: an iPad can be locked long after it told its code.</summary>
public interface IActivationLockStore
{
    /// <summary>The newest code takes the place of the one before.</summary>
    /// <param name="code">Sealed, see <see cref="Secrets.SecretSealer"/>, for <see cref="ActivationLockCode.Purpose"/>.</param>
    Task Keep(string deviceId, byte[] code, DateTimeOffset at);

    /// <summary>The iPad acknowledged that its code is void. It is kept: the acknowledgement may be about another one.</summary>
    Task MarkCleared(string deviceId, DateTimeOffset at);

    Task<ActivationLockCode?> Find(string deviceId);

    /// <summary>Forgets the codes of enrolments that ended before this time.</summary>
    /// <returns>How many; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> ForgetEnded(DateTimeOffset endedBefore, int limit);
}

/// <param name="Code">Sealed.</param>
/// <param name="FetchedAt">When the iPad told it.</param>
/// <param name="ClearedAt">When the iPad acknowledged that it is void; null: it has not.</param>
public sealed record ActivationLockCode(byte[] Code, DateTimeOffset FetchedAt, DateTimeOffset? ClearedAt)
{
    /// <summary>What the code of this iPad is sealed for.</summary>
    public static string Purpose(string deviceId) => $"activation-lock-code/{deviceId}";
}
