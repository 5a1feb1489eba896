using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Api.SelfService;
using FleetMdm.Protocol.Automated;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Automated;

/// <summary>Enrolment profiles and who gets which, for REST and for the console.</summary>
internal sealed class AutomatedProfileService(IAutomatedStore store, AutomatedService servers, AuditTrail trail, IOptions<SelfServiceOptions> options, TimeProvider time)
{
    public const int UsualPriority = 100, MostPriority = 1_000;

    private const int MostItems = 100;

    public static EnrolmentDefinition DefinitionOf(AutomatedProfile profile) => JsonSerializer.Deserialize<EnrolmentDefinition>(profile.Definition, JsonSerializerOptions.Web) ?? new EnrolmentDefinition();

    public async Task<Page<AutomatedProfileView>> List(FleetUser reader) => new([.. (await store.ListProfiles(reader.Scope)).Select(AutomatedProfileView.Of)], null);

    public async Task<AutomatedProfileView> Get(FleetUser reader, string id) => AutomatedProfileView.Of(await store.FindProfile(reader.Scope, id) ?? throw NotFound());

    public async Task<AutomatedProfileView> Create(HttpContext context, AutomatedProfileRequest request)
    {
        var (user, now) = (FleetUser.Of(context), time.GetUtcNow());
        var profile = new AutomatedProfile
        {
            Id = RequestIds.NewGuid(context, "automated-profile").ToString("D"),
            Version = 1,
            Name = Name(request.Name),
            Definition = Read(request),
            CreatedAt = now,
            CreatedBy = user.Name,
            UpdatedAt = now,
            UpdatedBy = user.Name,
        };
        Refuse(await store.CreateProfile(profile, Entry(context, AuditVerbs.AutomatedProfileCreate, profile.Id, profile.Name)));
        return await Get(user, profile.Id);
    }

    public Task<AutomatedProfileView> Change(HttpContext context, string id, int? basedOn, AutomatedProfileRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = await store.FindProfile(user.Scope, id) ?? throw NotFound();
        var profile = standing with { Version = (basedOn ?? standing.Version) + 1, Name = Name(request.Name), Definition = Read(request), UpdatedAt = time.GetUtcNow(), UpdatedBy = user.Name };
        Refuse(await store.ChangeProfile(profile, Entry(context, AuditVerbs.AutomatedProfileChange, id, profile.Name)));
        await servers.WakeAll(user);
        return await Get(user, id);
    });

    public async Task Delete(HttpContext context, string id)
    {
        var standing = await store.FindProfile(FleetUser.Of(context).Scope, id) ?? throw NotFound();
        Refuse(await store.DeleteProfile(standing.Id, Entry(context, AuditVerbs.AutomatedProfileDelete, id, standing.Name)));
    }

    public async Task<Page<AutomatedSchoolView>> Schools(FleetUser reader) =>
        new([.. (await store.ListSchools(reader.Scope)).Select(one => new AutomatedSchoolView(one.SchoolId, one.School, one.ProfileId, one.ProfileName))], null);

    public async Task ChooseForSchool(HttpContext context, string schoolId, string? profileId)
    {
        var name = await NameOf(store, FleetUser.Of(context), profileId);
        Refuse(await store.ChooseForSchool(schoolId, profileId, trail.Entry(context, AuditVerbs.AutomatedChoose, AuditTargets.School, schoolId, detail: name)));
        await servers.WakeAll(FleetUser.Of(context));
    }

    public async Task<Page<AutomatedGroupView>> Groups(FleetUser reader) =>
        new([.. (await store.ListGroups(reader.Scope)).Select(one => new AutomatedGroupView(one.GroupId, one.Group, one.ProfileId, one.ProfileName, one.Priority))], null);

    public async Task ChooseForGroup(HttpContext context, string groupId, AutomatedGroupRequest request)
    {
        var priority = request.Priority ?? UsualPriority;
        if (priority is < 1 or > MostPriority) throw ApiProblem.Field("priority", $"Enter a whole number from 1 to {MostPriority}.");
        var (id, profile) = (Text.Uuid(groupId)?.ToString("D") ?? throw NoGroup(), string.IsNullOrEmpty(request.ProfileId) ? null : request.ProfileId);
        Refuse(await store.ChooseForGroup(id, profile, priority, time.GetUtcNow(),
            trail.Entry(context, AuditVerbs.AutomatedChoose, AuditTargets.Group, id, detail: profile is null ? "none" : $"{await NameOf(store, FleetUser.Of(context), profile)}, priority {priority}")));
        await servers.WakeAll(FleetUser.Of(context));
    }

    /// <summary>For the audit record: people know a profile by its name. Of one that there is not: what was sent.</summary>
    internal static async Task<string> NameOf(IAutomatedStore store, FleetUser user, string? profileId) =>
        profileId is null ? "none" : (await store.FindProfile(user.Scope, profileId))?.Name ?? profileId;

    private string Read(AutomatedProfileRequest request)
    {
        var items = (request.SkipSetupItems ?? []).Select(item => item.Trim()).Where(item => item.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (items.Count > MostItems) throw ApiProblem.Field("skipSetupItems", $"At most {MostItems} panes.");
        if (items.Find(item => !SetupItems.IsName(item)) is { } odd) throw ApiProblem.Field("skipSetupItems", $"\"{Text.Printable(odd, 40)}\" is no name of a pane: letters and digits only, as in AppleID.");
        var definition = new EnrolmentDefinition
        {
            IsMandatory = request.Mandatory ?? true,
            IsRemovable = request.Removable ?? false,
            IsSupervised = request.Supervised ?? true,
            AwaitConfigured = request.AwaitConfiguration ?? true,
            AutoAdvance = request.AutoAdvance ?? false,
            AsksSignIn = request.SignIn ?? false,
            IsShared = request.SharedIPad ?? false,
            SkippedItems = items,
            Department = Optional("department", request.Department, EnrolmentDefinition.LongestDepartment),
            SupportPhone = Optional("supportPhone", request.SupportPhone, EnrolmentDefinition.LongestPhone),
            SupportEmail = Optional("supportEmail", request.SupportEmail, EnrolmentDefinition.LongestEmail),
            Language = Code("language", request.Language, 2, 3),
            Region = Code("region", request.Region, 2, 3)?.ToUpperInvariant(),
            MinimumOsVersion = string.IsNullOrEmpty(request.MinimumOsVersion) ? null : request.MinimumOsVersion,
        };
        if (definition is { IsRemovable: false, IsSupervised: false }) throw ApiProblem.Field("removable", "Only a supervised iPad can keep its management. Choose Supervised, or let people remove it.");
        if (definition.AsksSignIn && options.Value.PublicUrl is null)
            throw ApiProblem.Field("signIn", "The server does not know by which address iPads reach its sign-in. Set SelfService:PublicUrl, and restart it.");
        if (definition is { AsksSignIn: true, AutoAdvance: true }) throw ApiProblem.Field("signIn", "An iPad that goes on by itself has nobody who signs in. Choose one of the two.");
        if (definition is { AsksSignIn: true, IsShared: true }) throw ApiProblem.Field("signIn", "A Shared iPad is nobody's: its users sign in to it later. Choose one of the two.");
        if (definition is { IsShared: true, IsSupervised: false }) throw ApiProblem.Field("sharedIPad", "Only a supervised iPad can be shared. Choose Supervised.");
        if (definition is { IsShared: true, AwaitConfigured: false })
            throw ApiProblem.Field("sharedIPad", "Hold the iPad in Setup Assistant too: an iPad takes its quota before the first user signs in, and later not any more.");
        if ((definition.Language is null) != (definition.Region is null)) throw ApiProblem.Field(definition.Language is null ? "language" : "region", "Language and region go together, as in sv and SE.");
        if (definition.MinimumOsVersion is { } minimum && !IPadOsVersion.Is(minimum)) throw ApiProblem.Field("minimumOsVersion", IPadOsVersion.Words);
        return JsonSerializer.Serialize(definition, JsonSerializerOptions.Web);
    }

    private static string Name(string? name) => Text.Required("name", name?.Trim() ?? "") is { Length: <= EnrolmentDefinition.LongestName } text
        ? text
        : throw ApiProblem.Field("name", $"At most {EnrolmentDefinition.LongestName} characters: Apple takes no more.");

    private static string? Optional(string field, string? value, int longest) => Text.Optional(field, string.IsNullOrWhiteSpace(value) ? null : value.Trim()) is not { } text
        ? null
        : text.Length <= longest ? text : throw ApiProblem.Field(field, $"At most {longest} characters: Apple takes no more.");

    private static string? Code(string field, string? value, int least, int most) => Optional(field, value, 20) is not { } text
        ? null
        : text.Length >= least && text.Length <= most && text.All(char.IsAsciiLetter) ? text : throw ApiProblem.Field(field, field == "language" ? "Enter a language as in sv." : "Enter a region as in SE.");

    private AuditRecord Entry(HttpContext context, string verb, string id, string name) => trail.Entry(context, verb, AuditTargets.AutomatedProfile, id, detail: name);

    private static void Refuse(AutomatedOutcome outcome)
    {
        switch (outcome)
        {
            case AutomatedOutcome.Written:
                return;
            case AutomatedOutcome.VersionConflict:
                throw EntityTag.Changed("the enrolment profile");
            case AutomatedOutcome.NameTaken:
                throw ApiProblem.Taken("name", ProblemCodes.NameTaken, "Another enrolment profile has this name.");
            case AutomatedOutcome.TooMany:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many enrolment profiles", $"There may be {IAutomatedStore.MostProfiles} enrolment profiles. Delete one that is not used.");
            case AutomatedOutcome.InUse:
                throw ApiProblem.Conflict(ProblemCodes.InUse, "The enrolment profile is in use", "A server, a school, a group or an iPad has this enrolment profile. Choose another one there first.");
            case AutomatedOutcome.UnknownSchool:
                throw ApiProblem.NotFound("There is no such school.");
            case AutomatedOutcome.UnknownGroup:
                throw NoGroup();
            case AutomatedOutcome.GroupHasRule:
                throw ApiProblem.Conflict(ProblemCodes.GroupHasRule, "The group has a rule", "A rule knows only iPads that are enrolled. Choose an enrolment profile for a group by hand.");
            case AutomatedOutcome.UnknownProfile:
                throw ApiProblem.Field("profileId", "There is no such enrolment profile.");
            default:
                throw NotFound();
        }
    }

    private static ApiProblem NoGroup() => ApiProblem.NotFound("There is no such group.");

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such enrolment profile.");
}
