using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Attestation;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Attestation;

/// <summary>How an iPad gets its identity.</summary>
public enum IdentityWay
{
    Scep,
    /// <summary>With an attestation.</summary>
    Acme,
    /// <summary>Not at all: it would have to attest, and cannot.</summary>
    Refused,
}

/// <param name="Why">Why not by ACME; null: it is by ACME, or nobody wants it.</param>
public sealed record IdentityDecision(IdentityWay Way, string? Why = null);

/// <summary>What an iPad that proved who it is says of itself beside.</summary>
public sealed record ProvenFacts(ProvenDevice Device, string? ProductName, string? OsVersion, string? BuildVersion);

/// <summary>Decides by which way an iPad gets its identity certificate: ACME with an attestation, or SCEP.</summary>
public sealed class AttestationPolicy(IOptions<AttestationOptions> options, IAttestationStore store, TimeProvider time)
{
    /// <summary>An iPad that was given two profiles with ACME and came with no certificate cannot do it today: Apple does not answer it, for example.</summary>
    private const int MostTries = 2;

    /// <summary>A renewal that failed so often is done by SCEP, where that is allowed.</summary>
    private const int MostFailedRenewals = 2;

    public AttestedIdentity Mode => options.Value.Identity;

    /// <summary>For a profile that anybody may install: nothing is known of the iPad. Where an attestation is required, it says itself which iPad it is.</summary>
    public IdentityDecision ForAnybody() => new(Mode == AttestedIdentity.Required ? IdentityWay.Acme : IdentityWay.Scep);

    /// <summary>For an iPad that proved who it is. A profile with ACME is noted.</summary>
    public async Task<IdentityDecision> ForProven(ProvenFacts facts)
    {
        if (Mode == AttestedIdentity.Off) return new IdentityDecision(IdentityWay.Scep);
        var now = time.GetUtcNow();
        var tries = Mode == AttestedIdentity.WhenPossible ? await store.FindTry(facts.Device.SerialNumber) : null;
        var decision = Decide(Mode, AttestationSupport.WhyNot(facts.ProductName, facts.OsVersion, facts.BuildVersion), tries, now);
        if (decision.Way == IdentityWay.Acme) await store.NoteTry(facts.Device.SerialNumber, now);
        return decision;
    }

    /// <summary>For the renewal of a certificate.</summary>
    public static IdentityDecision ForRenewal(AttestedIdentity mode, RenewingIPad? ipad)
    {
        if (mode == AttestedIdentity.Off || ipad is null) return new IdentityDecision(IdentityWay.Scep);
        // What was attested stays so, where that is required; and is so for two tries elsewhere.
        if (mode == AttestedIdentity.Required && ipad.IsAttested) return new IdentityDecision(IdentityWay.Acme);
        if (AttestationSupport.WhyNot(ipad.ProductName, ipad.OsVersion, null) is { } why) return new IdentityDecision(IdentityWay.Scep, why);
        return ipad.Failures >= MostFailedRenewals ? new IdentityDecision(IdentityWay.Scep, $"its renewal failed {ipad.Failures} times") : new IdentityDecision(IdentityWay.Acme);
    }

    /// <summary>Whether SCEP may renew a certificate.</summary>
    /// <param name="mode">As set.</param>
    /// <param name="isAttested">It was issued with an attestation.</param>
    /// <param name="byServer">The server itself sent the profile; false: whoever has the key asks.</param>
    public static bool MayRenewByScep(AttestedIdentity mode, bool isAttested, bool byServer) =>
        !isAttested || mode == AttestedIdentity.Off || (mode == AttestedIdentity.WhenPossible && byServer);

    internal static IdentityDecision Decide(AttestedIdentity mode, string? whyNot, AttestationTry? tries, DateTimeOffset now)
    {
        if (whyNot is not null) return new IdentityDecision(mode == AttestedIdentity.Required ? IdentityWay.Refused : IdentityWay.Scep, whyNot);
        if (mode == AttestedIdentity.Required || tries is null || now - tries.LastAt > IAttestationStore.TriesCountFor) return new IdentityDecision(IdentityWay.Acme);
        if (tries.Refused is { } refused) return new IdentityDecision(IdentityWay.Scep, $"Its attestation was refused: {refused}");
        return tries.Tries >= MostTries
            ? new IdentityDecision(IdentityWay.Scep, $"It was given {tries.Tries} enrolment profiles with an attestation, and came with no certificate.")
            : new IdentityDecision(IdentityWay.Acme);
    }
}
