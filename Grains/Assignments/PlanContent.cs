using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Classroom;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Grains.Assignments;

/// <summary>In which order things go to an iPad. What comes later waits for what comes before.</summary>
internal enum PlanRank
{
    /// <summary>Certificates, which others use.</summary>
    Certificates,
    /// <summary>Its network.</summary>
    Network,
    Profile,
    Setting,
    App,
    /// <summary>What an iPad fetches by itself: it waits for nothing.</summary>
    Declaration,
}

/// <summary>What an assignment sends, as far as it decides when and to whom: read once for all iPads of a node.</summary>
/// <param name="RequestType">Of the command that installs it.</param>
/// <param name="Name">For people: of the profile, the app or the setting.</param>
/// <param name="Identifier">What a removal names, and what the iPad lists; null: it cannot be removed.</param>
/// <param name="Requirements">Of an iPad.</param>
/// <param name="Variables">Whose values this iPad must have.</param>
internal sealed record PlanContent(
    string RequestType, string Name, string? Identifier, IReadOnlyList<CommandRequirement> Requirements, PlanRank Rank, IReadOnlyList<string> Variables)
{
    /// <summary>What an iPad gets of it; null: it is sent by a command.</summary>
    public IReadOnlyList<Declaration>? Declarations { get; init; }

    /// <summary>The update that it asks for; null: it is something else.</summary>
    public SoftwareUpdateOrder? Update { get; init; }

    /// <summary>What each iPad gets of it is its own, with a number of its own.</summary>
    public bool IsOfEachIPad { get; init; }

    /// <summary>Apple's Classroom.</summary>
    public static PlanContent OfClassroom { get; } = new(ProfileCommand.Install, "Classroom", ClassroomProfile.Identifier, ToGrain(ClassroomProfile.Needs), PlanRank.Profile, []) { IsOfEachIPad = true };

    public bool IsNetwork => Rank == PlanRank.Network;

    /// <param name="profile">As the library keeps it.</param>
    public static PlanContent OfProfile(byte[] profile)
    {
        var stored = LibraryProfile.Stored(profile);
        var types = stored.Payloads.Select(payload => payload.Type).ToList();
        return new PlanContent(
            ProfileCommand.Install, stored.Name, stored.Identifier,
            ToGrain(CommandFitness.OfInstallation(CommandFitness.OfProfile(stored.Root))),
            types.Any(IsNetworkPayload) ? PlanRank.Network : types.Any(IsCertificatePayload) ? PlanRank.Certificates : PlanRank.Profile,
            stored.Variables);
    }

    /// <param name="fragment">A Command dictionary.</param>
    /// <param name="removal">The bundle identifier of an app; null: it is a setting, or cannot be removed.</param>
    public static PlanContent OfCommand(byte[] fragment, string name, string? removal)
    {
        var command = CommandCatalogue.FromPlist(fragment);
        var isApp = command.RequestType == "InstallApplication";
        return new PlanContent(
            command.RequestType, name, removal, ToGrain(command.Requirements), isApp ? PlanRank.App : PlanRank.Setting,
            isApp ? [] : ProfileVariables.In(PlistReader.ReadDictionary(fragment, PlistLimits.Admin)));
    }

    /// <param name="stored">As the assignment keeps it.</param>
    public static PlanContent OfDeclaration(byte[] stored, string assignmentId, string name)
    {
        var thing = DeclaredThing.Stored(stored);
        return new PlanContent(DeclarationCommands.RequestType, name, null, ToGrain(thing.Requirements()), PlanRank.Declaration, [])
        {
            Declarations = thing.Declarations(assignmentId),
            Update = SoftwareUpdateOrder.Of(thing),
        };
    }

    /// <summary>Of an iPad whose values are not all known: what is missing, in words; null: nothing.</summary>
    public string? Missing(IReadOnlyDictionary<string, string?> values) =>
        Variables.Where(name => string.IsNullOrWhiteSpace(values.GetValueOrDefault(name))).ToList() is [var first, ..]
            ? $"It has the variable {{{{{first}}}}}, and nothing is known of it for this iPad."
            : null;

    /// <summary>A setting with the values of one iPad.</summary>
    public byte[] Filled(byte[] fragment, IReadOnlyDictionary<string, string?> values) =>
        Rank == PlanRank.Setting && Variables.Count > 0 && ProfileVariables.Expand(PlistReader.ReadDictionary(fragment, PlistLimits.Admin), values, out _) is { } filled
            ? PlistWriter.ToFragment(filled)
            : fragment;

    /// <summary>The command that takes it away; null: there is none.</summary>
    public (string RequestType, byte[] Fragment)? Removal => Identifier is null ? null
        : RequestType == ProfileCommand.Install ? (ProfileCommand.Remove, ProfileCommand.Removing(Identifier))
        : ("RemoveApplication", PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = "RemoveApplication", ["Identifier"] = Identifier }));

    private static bool IsNetworkPayload(string type) =>
        type is "com.apple.wifi.managed" or "com.apple.vpn.managed" or "com.apple.vpn.managed.applayer" or "com.apple.cellular" or "com.apple.cellularprivatenetwork.managed"
            or "com.apple.proxy.http.global" or "com.apple.relay.managed" or "com.apple.dnsSettings.managed"
        || (type.EndsWith("ethernet.managed", StringComparison.Ordinal) && type.StartsWith("com.apple.", StringComparison.Ordinal));

    private static bool IsCertificatePayload(string type) => type.StartsWith("com.apple.security.", StringComparison.Ordinal);

    private static IReadOnlyList<CommandRequirement> ToGrain(IEnumerable<Requirement> requirements) =>
        [.. requirements.Select(one => new CommandRequirement((byte)one.Kind, one.What, one.Field, one.Text))];
}
