using System.Buffers.Text;
using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Exams;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Incidents;
using FleetMdm.Api.Profiles;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.SelfService;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.SelfService;

/// <summary>What a person sees and does with their own iPads, for REST and for <c>/my</c>.</summary>
internal sealed class SelfServiceService(
    ISelfServiceStore store, IIncidentStore incidents, IncidentService reports, IEnrolmentStore enrolments, IProfileStore profiles, ProfileSigning signing, SelfServiceLostMode lostMode,
    ExamLocks exams, AuditTrail trail, IOptions<SelfServiceOptions> options, IOptions<MdmOptions> mdm, TimeProvider time)
{
    /// <summary>Instead of a name: who had it then stands in the history of the iPad, as long as the person is not forgotten.</summary>
    public const string Holder = "the person who has it";

    private const int MostDevices = 50;
    private const int MostProfiles = 200;
    private const int ReportsADay = 10;
    private const int InvitationBytes = 16;

    /// <summary>The iPad is in the person's hands.</summary>
    private static readonly TimeSpan InvitationLives = TimeSpan.FromHours(1);

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>On an iPad that is the person's own, nobody of the school erases, clears a passcode or looks at apps.</summary>
    private const MdmAccessRights OnOwnIPad = MdmAccessRights.All & ~(MdmAccessRights.Erase | MdmAccessRights.LockAndPasscode | MdmAccessRights.InspectApps);

    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    /// <summary>Whom the account is linked to.</summary>
    /// <exception cref="ApiProblem">404: nobody, or somebody who has left.</exception>
    public async Task<PersonRow> Person(HttpContext context) => FleetUser.Of(context) switch
    {
        { PersonId: { } id } => await store.FindPerson(id)
            ?? throw NoPerson("The person whom your account is linked to has left, or is not known any more. Ask the school."),
        { AccountId: null } => throw NoPerson("You are signed in with an API token. A token has no iPads: sign in with your account."),
        _ => throw NoPerson("Your account is not linked to a person of the district. Ask the school: an administrator links it on the page of your account."),
    };

    public async Task<MyDevicesView> List(HttpContext context)
    {
        var person = (await Person(context)).Person;
        return new MyDevicesView
        {
            Name = $"{person.GivenName} {person.FamilyName}".Trim(),
            Items = [.. (await store.ListDevices(person.Id, MostDevices)).Select(own => MyDeviceView.Of(own, Today))],
            CanEnrol = options.Value.Enrolment,
        };
    }

    /// <exception cref="ApiProblem">404: it is not theirs.</exception>
    public async Task<OwnDevice> Own(HttpContext context, string id)
    {
        // A stranger and a former holder are told the same.
        if (FleetUser.Of(context).PersonId is not { } person || Text.EnrolmentId(id) is not { } device) throw NotYours();
        return await store.FindDevice(person, device, Today) ?? throw NotYours();
    }

    public async Task<MyDeviceDetailView> Get(HttpContext context, string id)
    {
        var own = await Own(context, id);
        var open = await incidents.List(Scope.District, new IncidentFilter { DeviceId = own.Device.Id, Open = true }, null, Enum.GetValues<IncidentKind>().Length);
        var lost = await lostMode.StateOf(own);
        return new MyDeviceDetailView
        {
            Device = MyDeviceView.Of(own, Today),
            Reports = [.. open.Select(row => new MyReportView { Kind = IncidentView.KindOf(row.Incident.Kind), At = row.Incident.OpenedAt, Means = row.Incident.Kind })],
            School = SchoolWords.Of(own.Device),
            LostMode = lost,
            CanLocate = options.Value.Location && lost == SelfServiceLostMode.On && own.Device.IsLost == true,
            Exam = InExamView.Of(await exams.Of([own.Device.Id]), own.Device.Id, time.GetUtcNow()),
        };
    }

    /// <summary>Something is wrong with it: an incident for the school.</summary>
    /// <exception cref="ApiProblem">404; 409: it was reported; 429: too many today.</exception>
    public async Task Report(HttpContext context, string id, MyReportRequest request)
    {
        var own = await Own(context, id);
        var kind = Enum.GetValues<IncidentKind>().FirstOrDefault(one => one != IncidentKind.InRepair && string.Equals(IncidentView.KindOf(one), request.Kind, StringComparison.OrdinalIgnoreCase));
        if (kind == default) throw ApiProblem.Field("kind", "It must be brokenScreen, lost or other.");
        await Take(context, own.Holding.PersonId, SelfServiceActKind.Report, own.Device.Id, ReportsADay, "You have reported a lot today. Talk to the school.");
        try
        {
            await reports.Open(context, Scope.District, own.Device.Id, new IncidentRequest { Kind = IncidentView.KindOf(kind), Text = request.Text }, Holder);
        }
        catch (ApiProblem problem) when (problem.Code == ProblemCodes.IncidentOpen)
        {
            throw ApiProblem.Conflict(ProblemCodes.IncidentOpen, "It is reported already", "The school knows of it already. Talk to the school if there is something new.");
        }
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task AskReturn(HttpContext context, string id, bool back)
    {
        var own = await Own(context, id);
        var record = trail.Entry(context, AuditVerbs.DeviceReturnAsk, AuditTargets.Device, own.Device.Id, detail: back ? "to be handed back" : "to be kept");
        if (!await store.AskReturn(own.Holding.PersonId, own.Device.Id, Today, back ? time.GetUtcNow() : null, record)) throw NotYours();
    }

    /// <summary>A way to enrol one iPad, which is theirs from then on.</summary>
    /// <exception cref="ApiProblem">404; 409: the district does not allow it; 429: too many today.</exception>
    public async Task<MyInvitationView> Invite(HttpContext context, MyInvitationRequest request)
    {
        var (person, school) = await Person(context);
        if (!options.Value.Enrolment)
            throw ApiProblem.Conflict(ProblemCodes.SwitchedOff, "Not here", "In your district, people do not enrol iPads themselves. Ask the school.");
        await Take(context, person.Id, SelfServiceActKind.Invitation, null, options.Value.InvitationsADay, "You have had as many links today as one may have. Try again tomorrow, or ask the school.");
        var now = time.GetUtcNow();
        var invitation = new Invitation
        {
            Id = Base64Url.EncodeToString(RequestIds.NewBytes(context, "invitation", InvitationBytes)),
            Name = request.OwnIPad ? "Self-service, own iPad" : "Self-service",
            School = school,
            MaxUses = 1,
            CreatedAt = now,
            ExpiresAt = now + InvitationLives,
            CreatedBy = "self-service",
            AccessRights = request.OwnIPad ? (int)OnOwnIPad : null,
            PersonId = person.Id,
        };
        var record = trail.Entry(context, AuditVerbs.InvitationCreate, subject: person.Id, detail: invitation.Name);
        await enrolments.CreateInvitation(invitation, record);
        var standing = await enrolments.FindInvitation(invitation.Id) ?? invitation;
        return new MyInvitationView { Url = new Uri(mdm.Value.PublicUri, "/enroll/" + standing.Id).AbsoluteUri, ExpiresAt = standing.ExpiresAt };
    }

    public async Task<MyProfilesView> Profiles(HttpContext context)
    {
        var people = KindOf((await Person(context)).Person);
        return new MyProfilesView
        {
            Items = [.. (await profiles.ListOffered(people, MostProfiles)).Select(row => new MyProfileView { Id = row.Id, Name = row.Newest.Name, Description = row.Newest.Description })],
        };
    }

    /// <summary>As a file. Who gets secrets by it is recorded first.</summary>
    /// <exception cref="ApiProblem">404: it is not offered to them.</exception>
    public async Task<IResult> Download(HttpContext context, string id)
    {
        var people = KindOf((await Person(context)).Person);
        if (Text.Uuid(id) is not { } uuid || await profiles.Find(uuid.ToString("D")) is not { } row || !row.IsOfferedTo(people)
            || await profiles.Load(row.Id, row.Newest.Version) is not { } content)
            throw ApiProblem.NotFound("There is no such profile for you. Ask the school.");
        if (row.Newest.HasSecrets)
            await trail.Record(context, AuditVerbs.SecretRead, AuditTargets.Profile, row.Id, row.Identifier, string.Create(CultureInfo.InvariantCulture, $"self-service, version {row.Newest.Version}"));
        return await signing.Download(context, row, content);
    }

    private async Task Take(HttpContext context, string person, SelfServiceActKind kind, string? device, int most, string words)
    {
        var now = time.GetUtcNow();
        if (!await store.Take(new SelfServiceAct(RequestIds.NewGuid(context, "self-service").ToString("D"), person, kind, device, now), most, now - Day)) throw TooMany(words);
    }

    internal static ApiProblem TooMany(string words) =>
        new(StatusCodes.Status429TooManyRequests, ProblemCodes.TooMany, "Too often", words) { RetryAfter = (int)TimeSpan.FromHours(1).TotalSeconds };

    private static OfferedTo KindOf(Person person) => person.Role switch
    {
        PersonRole.Pupil => OfferedTo.Pupils,
        PersonRole.Teacher => OfferedTo.Teachers,
        _ => OfferedTo.Staff,
    };

    internal static ApiProblem NotYours() => ApiProblem.NotFound("You have no such iPad. If it should be yours, ask the school.");

    private static ApiProblem NoPerson(string words) => new(StatusCodes.Status404NotFound, ProblemCodes.NoPerson, "You have no page here yet", words);
}
