using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Classroom;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Grains.Classroom;

/// <summary>Makes the profile of an iPad for Apple's Classroom, with a key that is new each time: none is kept but in the command, which is sealed.</summary>
/// <remarks>Any thread. What the CAs are is asked for each profile: they are made once in a while, and nobody may be given an issuer that others do not know.</remarks>
internal sealed class ClassroomProfiles(IClassroomStore store, IGrainFactory grains, SecretSealer sealer, TimeProvider clock)
{
    /// <summary>Renewed by a profile that takes its place; see <see cref="RenewedBefore"/>.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(365);

    /// <summary>Longer than the summer holidays: an iPad that lay in a cupboard comes back with a certificate that is good.</summary>
    public static readonly TimeSpan RenewedBefore = TimeSpan.FromDays(100);

    /// <summary>No iPad, and nobody who answers it, waits longer for its turn. Then it comes again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>One at a time on a node: keys are made on the cores that answer all iPads.</summary>
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>What is put into the queue; neither: the iPad is to have none any more.</summary>
    public async Task<ClassroomCommand> Command(string deviceId, int revision)
    {
        // Before the turn: the first one makes the CAs.
        var authority = await grains.GetGrain<IClassroomAuthorityGrain>(IClassroomAuthorityGrain.Key).Get();
        if (!await _turn.WaitAsync(Patience)) return new ClassroomCommand(null, IsBusy: true);
        try
        {
            return new ClassroomCommand(await Make(deviceId, revision, authority), IsBusy: false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<byte[]?> Make(string deviceId, int revision, SealedClassroomAuthority authority)
    {
        var now = clock.GetUtcNow();
        if (await store.ReadFacts([deviceId], DateOnly.FromDateTime(now.UtcDateTime)) is not [var facts] || ClassroomPart.Of(facts, authority) is not { Content: { } content, Wish: { } wish }) return null;
        var (ca, purpose) = content.IsLeader
            ? (SealedClassroomAuthority.Issuer(authority.Leaders, now), SealedClassroomAuthority.LeaderKeyPurpose)
            : (SealedClassroomAuthority.Issuer(authority.Members, now), SealedClassroomAuthority.MemberKeyPurpose);
        // An RSA key takes a tenth of a second: not in the turn of a grain.
        var (profile, endsAt) = await Task.Run(() =>
        {
            using var issuer = new CertificateAuthority(new KeyedCertificate(ca.Certificate.Certificate, sealer.Open(purpose, ca.Certificate.SealedKey)));
            var identity = issuer.IssueClassroomIdentity(ClassroomProfile.CommonName(content.IsLeader, content.UserId), now, Lifetime);
            return (ClassroomProfile.Build(content, identity, deviceId, revision), IdentityCertificate.Parse(identity.Certificate).NotAfter);
        });
        await store.Issued(deviceId, revision, wish.Content, endsAt);
        // Whoever answers the iPad signs it.
        return ProfileCommand.Template(profile);
    }
}

/// <param name="IsBusy">Others are being made; it is asked for once more in a while.</param>
internal readonly record struct ClassroomCommand(byte[]? Command, bool IsBusy);
