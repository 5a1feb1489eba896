namespace FleetMdm.Storage.Attestation;

/// <summary>Orders of ACME, and what attestations proved.</summary>
public interface IAttestationStore
{
    /// <summary>A try that is older than that counts no more.</summary>
    static readonly TimeSpan TriesCountFor = TimeSpan.FromDays(1);

    /// <summary>Begins an order. Of one client identifier there is one order: the same account gets the one that is there until it expires, another account takes its place as long as no certificate
    /// was issued by it.</summary>
    /// <returns>The order that counts; null: another account has got a certificate by this client identifier.</returns>
    Task<AttestedOrder?> Begin(AttestedOrder order);

    Task<AttestedOrder?> FindOrder(string id);

    /// <summary>Ends the challenge of a pending order: ready or invalid. An order that is not pending stays as it is. Of an iPad that is known, a refusal is noted.</summary>
    /// <returns>The order as it stands then; null: there is none.</returns>
    Task<AttestedOrder?> Settle(AttestedOrder order);

    /// <summary>The certificate of a ready order is issued: writes what was proved, and ends the order. The same again changes nothing.</summary>
    Task<AttestedOrder?> Complete(string id, byte[] certificate);

    /// <summary>What was proved when this certificate was issued; null: it was issued without an attestation.</summary>
    Task<AttestedProperties?> OfCertificate(byte[] sha256);

    /// <summary>The same of the certificate that an enrolment speaks with.</summary>
    Task<AttestedProperties?> OfDevice(string deviceId);

    /// <summary>Who would renew this certificate; null: nobody speaks with it.</summary>
    Task<RenewingIPad?> FindRenewing(byte[] sha256);

    Task<AttestationTry?> FindTry(string serialNumber);

    /// <summary>A profile with ACME was given to this iPad.</summary>
    Task NoteTry(string serialNumber, DateTimeOffset at);

    Task Ask(AttestationQuestion question);

    Task<AttestationQuestion?> FindQuestion(string deviceId);

    /// <summary>Forgets orders that have ended, and tries from before <paramref name="triesBefore"/>. At most <paramref name="limit"/> of each.</summary>
    Task<int> Forget(DateTimeOffset before, DateTimeOffset triesBefore, int limit);
}
