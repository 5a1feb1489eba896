using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Identity;

/// <summary>What the grains that keep CAs share: keys are made in memory, sealed, and handed out only after they were written.</summary>
/// <remarks>When two activations race, the storage's version check lets one write only; the other deactivates and the next call finds what was written.</remarks>
public abstract class AuthorityGrain<TState>(IPersistentState<TState> state, SecretSealer sealer, IOptions<CaOptions> options, TimeProvider time) : Grain
{
    protected TState State => state.State;

    protected CaOptions Options => options.Value;

    protected DateTimeOffset Now => time.GetUtcNow();

    private protected TimeSpan ServiceLifetime => TimeSpan.FromDays(options.Value.ServiceCertificateDays);

    /// <summary>Of a root that is made now.</summary>
    private protected TimeSpan RootLifetime => Now.AddYears(options.Value.LifetimeYears) - Now;

    /// <summary>Changes the state and writes it; a state that may not stand is not kept.</summary>
    private protected async Task Write<T>(Action<TState, T> set, T next, T before)
    {
        set(state.State, next);
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            // Whether it was written is not known: only a fresh read may say what stands.
            set(state.State, before);
            DeactivateOnIdle();
            throw;
        }
    }

    private protected SealedCertificate Seal(KeyedCertificate keyed, string purpose) => new(keyed.Certificate, sealer.Seal(purpose, keyed.PrivateKey));

    private protected byte[] Seal(string purpose, byte[] secret) => sealer.Seal(purpose, secret);

    private protected CertificateAuthority Open(SealedCertificate certificate, string purpose) =>
        new(new KeyedCertificate(certificate.Certificate, sealer.Open(purpose, certificate.SealedKey)));

    private protected SealedCertificate NewProfileSigner(CertificateAuthority ca, string organization, string purpose) =>
        Seal(ca.IssueProfileSigner(organization, Now, ServiceLifetime), purpose);
}
