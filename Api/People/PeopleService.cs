using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.People;

namespace FleetMdm.Api.People;

/// <summary>People, for REST and for the console.</summary>
internal sealed class PeopleService(IPeopleStore store, AuditTrail trail, TimeProvider time)
{
    public const int LongestName = 100;
    public const int LongestId = 100;
    public const int LongestAddress = 254;
    public const int LongestGrade = 50;

    private const int MostClasses = 200;

    public async Task<Page<PersonView>> List(FleetUser reader, PersonFilter filter, string? after, int limit)
    {
        var last = after is null
            ? null
            : (await Row(reader, after))?.Person ?? throw ApiProblem.InvalidCursor();
        // Who may not see an address must not find out by searching for it either.
        var rows = await store.List(reader.Scope, filter with { NamesOnly = !reader.May(Rights.PeopleReadContact) }, last, limit + 1);
        return Page.Of(rows, limit, row => PersonView.Of(reader, row.Person, row.School), row => row.Person.Id);
    }

    public static PersonFilter Filter(string? text, string? schoolId, string? role, bool? active) => new()
    {
        Text = string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()),
        SchoolId = string.IsNullOrEmpty(schoolId) ? null : Id("school", schoolId),
        Role = string.IsNullOrEmpty(role) ? null : Role("role", role),
        Active = active,
    };

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<PersonView> Get(FleetUser reader, string id) =>
        await Row(reader, id) is { } row ? PersonView.Of(reader, row.Person, row.School) : throw NotFound();

    /// <summary>Null: there is no such person.</summary>
    public async Task<PersonView?> Find(FleetUser reader, string id) => await Row(reader, id) is { } row ? PersonView.Of(reader, row.Person, row.School) : null;

    public async Task<PersonClassesView> Classes(FleetUser reader, string id) =>
        new() { Items = [.. (await store.ListClasses(reader.Scope, (await Get(reader, id)).Id, MostClasses)).Select(PersonClassView.Of)] };

    public async Task<PersonView> Create(HttpContext context, PersonRequest request)
    {
        var user = FleetUser.Of(context);
        var now = time.GetUtcNow();
        var person = Read(request) with
        {
            Id = RequestIds.NewGuid(context, "person").ToString("D"),
            Version = 1,
            LeftAt = request.IsActive ? null : now,
            CreatedAt = now,
            CreatedBy = user.Name,
            UpdatedAt = now,
            UpdatedBy = user.Name,
        };
        Refuse(await store.Create(user.Scope, person, Record(context, AuditVerbs.PersonCreate, person)));
        return await Get(user, person.Id);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    /// <exception cref="ApiProblem">404; 409: an id or account is another person's; 412: changed in between.</exception>
    public Task<PersonView> Change(HttpContext context, string id, int? basedOn, PersonRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id))?.Person ?? throw NotFound();
        var now = time.GetUtcNow();
        var person = Read(request) with
        {
            Id = standing.Id,
            Version = (basedOn ?? standing.Version) + 1,
            LeftAt = request.IsActive ? null : standing.LeftAt ?? now,
            CreatedAt = standing.CreatedAt,
            CreatedBy = standing.CreatedBy,
            UpdatedAt = now,
            UpdatedBy = user.Name,
        };
        Refuse(await store.Change(user.Scope, person, Record(context, AuditVerbs.PersonChange, person)));
        return await Get(user, person.Id);
    });

    /// <exception cref="ApiProblem">404.</exception>
    public async Task Delete(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id))?.Person ?? throw NotFound();
        Refuse(await store.Delete(user.Scope, standing.Id, Record(context, AuditVerbs.PersonDelete, standing)));
    }

    /// <summary>Records are kept for years, and a person has a right to be forgotten: they hold the id, and no name.</summary>
    private AuditRecord Record(HttpContext context, string verb, Person person) =>
        trail.Entry(context, verb, AuditTargets.Person, person.Id, detail: PersonView.RoleOf(person.Role));

    private async Task<PersonRow?> Row(FleetUser reader, string id) =>
        Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    private static Person Read(PersonRequest request)
    {
        var (given, family) = (Name("givenName", request.GivenName), Name("familyName", request.FamilyName));
        if (given.Length + family.Length == 0) throw ApiProblem.Field("familyName", "A given name or a family name is needed.");
        return new Person
        {
            Id = "",
            Version = 0,
            SchoolId = request.SchoolId is null ? null : Id("schoolId", request.SchoolId),
            Role = Role("role", request.Role),
            GivenName = given,
            FamilyName = family,
            SourceId = Text.Optional("sourceId", request.SourceId?.Trim(), LongestId),
            Username = Text.Optional("username", request.Username?.Trim(), LongestAddress),
            Email = Address("email", request.Email),
            ManagedAccount = Address("managedAccount", request.ManagedAccount),
            Grade = Text.Optional("grade", request.Grade?.Trim(), LongestGrade),
            Active = request.IsActive,
            CreatedAt = default,
            CreatedBy = "",
            UpdatedAt = default,
            UpdatedBy = "",
        };
    }

    private static string Name(string field, string? value) => string.IsNullOrWhiteSpace(value) ? "" : Text.Required(field, value.Trim(), LongestName);

    private static string? Address(string field, string? value) => Text.Optional(field, value?.Trim(), LongestAddress) is not { } address || IsAddress(address)
        ? value?.Trim()
        : throw ApiProblem.Field(field, "It must be an address as in ali.berg@school.example.");

    /// <summary>One at sign with something on both sides, and no blanks: who owns the domain knows the rest.</summary>
    public static bool IsAddress(string address)
    {
        var at = address.IndexOf('@');
        return at > 0 && at < address.Length - 1 && address.IndexOf('@', at + 1) < 0 && !address.Any(char.IsWhiteSpace);
    }

    public static string Id(string field, string id) =>
        Text.Uuid(id) is { } uuid ? uuid.ToString("D") : throw ApiProblem.Field(field, "It must be the id of a school.");

    public static PersonRole Role(string field, string? role) => Text.Name<PersonRole>(field, role) ?? throw ApiProblem.Field(field, "It is required.");

    internal static void Refuse(PersonOutcome outcome, string what = "person", string whose = "the person")
    {
        switch (outcome)
        {
            case PersonOutcome.Written:
                return;
            case PersonOutcome.NotFound:
                throw ApiProblem.NotFound($"There is no such {what}.");
            case PersonOutcome.NoPerson:
                throw ApiProblem.NotFound("There is no such person.");
            case PersonOutcome.NoSchool:
                throw ApiProblem.Field("schoolId", "There is no such school.");
            case PersonOutcome.SourceTaken:
                throw ApiProblem.Taken("sourceId", ProblemCodes.SourceTaken, $"Another {what} has this id of the school's own system.");
            case PersonOutcome.AccountTaken:
                throw ApiProblem.Taken("managedAccount", ProblemCodes.AccountTaken, "Another person has this managed Apple Account.");
            case PersonOutcome.VersionConflict:
            default:
                throw EntityTag.Changed(whose);
        }
    }

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such person.");
}
