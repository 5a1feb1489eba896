using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Identity;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Classroom;

/// <summary>What is stored under the name <c>classroom-authority</c>. Private keys are sealed.</summary>
[GenerateSerializer, Alias("fleetmdm.classroom-authority-state")]
public sealed class ClassroomAuthorityState
{
    /// <summary>Null until the first use.</summary>
    [Id(0)] public SealedClassroomAuthority? Authority { get; set; }
}

/// <inheritdoc cref="IClassroomAuthorityGrain"/>
[GrainType("classroom-authority")]
public sealed partial class ClassroomAuthorityGrain(
    [PersistentState("classroom-authority", GrainServices.ControlStorage)] IPersistentState<ClassroomAuthorityState> state,
    SecretSealer sealer,
    IOptions<CaOptions> options,
    TimeProvider time,
    ILogger<ClassroomAuthorityGrain> logger) : AuthorityGrain<ClassroomAuthorityState>(state, sealer, options, time), IClassroomAuthorityGrain
{
    /// <summary>Long enough that a change of CA, which sends every profile once more, is rare.</summary>
    private const int CaYears = 10;

    /// <summary>Its successor is made so long before its end: what it issues until then never outlives it.</summary>
    private static readonly TimeSpan SucceededBefore = TimeSpan.FromDays(2 * 365);

    public async Task<SealedClassroomAuthority> Get()
    {
        var present = State.Authority;
        // RSA keys take a while to make: not in the grain's turn, where Orleans would warn of it.
        var next = await Task.Run(() => present is null ? Create() : Renew(present));
        if (ReferenceEquals(next, present)) return next;
        await Write(static (state, authority) => state.Authority = authority, next, State.Authority);
        if (present is null) LogCreated(next.Organization);
        else LogChanged(next.Version);
        return next;
    }

    private SealedClassroomAuthority Create() => new()
    {
        Version = 1,
        OrganizationUuid = Guid.NewGuid(),
        Organization = Options.Organization,
        Leaders = [NewCa("Leader", SealedClassroomAuthority.LeaderKeyPurpose)],
        Members = [NewCa("Member", SealedClassroomAuthority.MemberKeyPurpose)],
    };

    /// <summary>Gives back the same object when nothing is due.</summary>
    private SealedClassroomAuthority Renew(SealedClassroomAuthority present)
    {
        var leaders = Renew(present.Leaders, "Leader", SealedClassroomAuthority.LeaderKeyPurpose);
        var members = Renew(present.Members, "Member", SealedClassroomAuthority.MemberKeyPurpose);
        return ReferenceEquals(leaders, present.Leaders) && ReferenceEquals(members, present.Members) && present.Organization == Options.Organization
            ? present
            : present with { Version = present.Version + 1, Organization = Options.Organization, Leaders = leaders, Members = members };
    }

    private ClassroomCa[] Renew(ClassroomCa[] all, string whose, string purpose)
    {
        var isDue = all[0].EndsAt - SucceededBefore <= Now;
        if (!isDue && all.All(one => one.EndsAt > Now)) return all;
        return [.. isDue ? [NewCa(whose, purpose)] : (ClassroomCa[])[], .. all.Where(one => one.EndsAt > Now)];
    }

    private ClassroomCa NewCa(string whose, string purpose)
    {
        var root = CertificateAuthority.CreateClassroomRoot(Options.Organization, whose, Now, Now.AddYears(CaYears) - Now);
        return new ClassroomCa(Seal(root, purpose), Now, IdentityCertificate.Parse(root.Certificate).NotAfter);
    }

    [LoggerMessage(2720, LogLevel.Information, "The CAs of {Organization} for Apple's Classroom were made. Their keys are sealed with the master key: back that up.")]
    private partial void LogCreated(string organization);

    [LoggerMessage(2721, LogLevel.Information, "The CAs for Apple's Classroom, or the name of the organisation, have changed (version {Version}). Each iPad gets its profile once more.")]
    private partial void LogChanged(long version);
}
