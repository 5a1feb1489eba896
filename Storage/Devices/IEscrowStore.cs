namespace FleetMdm.Storage.Devices;

/// <summary>Tokens that iPads have left with the server. They are large and secret: nothing reads them but what uses them.</summary>
public interface IEscrowStore
{
    /// <summary>The sealed token; null: there is none.</summary>
    Task<byte[]?> Find(string enrolmentId, EscrowedToken token);
}

public enum EscrowedToken
{
    Unlock,
    Bootstrap,
}
