using System.Text.Json.Serialization;
using FleetMdm.Api.Access;
using FleetMdm.Api.ActivationLock;
using FleetMdm.Api.Apps;
using FleetMdm.Api.AppsAndBooks;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Authorities;
using FleetMdm.Api.Automated;
using FleetMdm.Api.Campaigns;
using FleetMdm.Api.Catalogue;
using FleetMdm.Api.Classroom;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Declarations;
using FleetMdm.Api.DeviceImports;
using FleetMdm.Api.Devices;
using FleetMdm.Api.EnrolmentImports;
using FleetMdm.Api.Exams;
using FleetMdm.Api.Exports;
using FleetMdm.Api.Groups;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Imports;
using FleetMdm.Api.Incidents;
using FleetMdm.Api.Inventory;
using FleetMdm.Api.Invitations;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Operations;
using FleetMdm.Api.People;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Profiles;
using FleetMdm.Api.Reenrolment;
using FleetMdm.Api.Renewals;
using FleetMdm.Api.Returns;
using FleetMdm.Api.Schools;
using FleetMdm.Api.SelfService;
using FleetMdm.Api.SetUp;
using FleetMdm.Api.SharedIPads;
using FleetMdm.Api.Teaching;
using FleetMdm.Api.Webhooks;

namespace FleetMdm.Api.Rest;

/// <summary>The JSON of the admin side. What comes in must be exactly of the documented shape.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = MaxDepth,
    UseStringEnumConverter = true,
    Converters = [typeof(TimeWithOffset)])]
[JsonSerializable(typeof(SharedIPadRequest))]
[JsonSerializable(typeof(SharedIPadView))]
[JsonSerializable(typeof(DeleteUsersRequest))]
[JsonSerializable(typeof(InvitationRequest))]
[JsonSerializable(typeof(InvitationView))]
[JsonSerializable(typeof(Page<InvitationView>))]
[JsonSerializable(typeof(DeviceSummary))]
[JsonSerializable(typeof(DeviceView))]
[JsonSerializable(typeof(Page<DeviceSummary>))]
[JsonSerializable(typeof(CommandAccepted))]
[JsonSerializable(typeof(MisfitView[]))]
[JsonSerializable(typeof(CommandView))]
[JsonSerializable(typeof(CommandTypeView))]
[JsonSerializable(typeof(Page<CommandTypeView>))]
[JsonSerializable(typeof(Page<PayloadTypeView>))]
[JsonSerializable(typeof(Page<CommandSummary>))]
[JsonSerializable(typeof(PushRequested))]
[JsonSerializable(typeof(OperationRequest))]
[JsonSerializable(typeof(OperationPaceRequest))]
[JsonSerializable(typeof(OperationRetryRequest))]
[JsonSerializable(typeof(RepeatingRequest))]
[JsonSerializable(typeof(RepeatingView))]
[JsonSerializable(typeof(Page<RepeatingView>))]
[JsonSerializable(typeof(OperationStarted))]
[JsonSerializable(typeof(OperationPlanView))]
[JsonSerializable(typeof(Page<LeftOutDeviceView>))]
[JsonSerializable(typeof(LeftOutReasonView[]))]
[JsonSerializable(typeof(OperationTargetRequest))]
[JsonSerializable(typeof(OperationSummary))]
[JsonSerializable(typeof(OperationView))]
[JsonSerializable(typeof(Page<OperationSummary>))]
[JsonSerializable(typeof(OperationTargetView))]
[JsonSerializable(typeof(Page<OperationDeviceView>))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(TokenMade))]
[JsonSerializable(typeof(TokenView))]
[JsonSerializable(typeof(Page<TokenView>))]
[JsonSerializable(typeof(TokenDetailView))]
[JsonSerializable(typeof(AccountRequest))]
[JsonSerializable(typeof(AccountView))]
[JsonSerializable(typeof(Page<AccountView>))]
[JsonSerializable(typeof(AccountMade))]
[JsonSerializable(typeof(PasswordLinkView))]
[JsonSerializable(typeof(Page<SessionView>))]
[JsonSerializable(typeof(SessionsEnded))]
[JsonSerializable(typeof(RoleRequest))]
[JsonSerializable(typeof(RoleChange))]
[JsonSerializable(typeof(RoleView))]
[JsonSerializable(typeof(Page<RoleView>))]
[JsonSerializable(typeof(Page<RightView>))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(AuditView))]
[JsonSerializable(typeof(Page<AuditView>))]
[JsonSerializable(typeof(WebhookRequest))]
[JsonSerializable(typeof(WebhookRotateRequest))]
[JsonSerializable(typeof(WebhookMade))]
[JsonSerializable(typeof(Page<WebhookView>))]
[JsonSerializable(typeof(Page<WebhookDeliveryView>))]
[JsonSerializable(typeof(WebhookResent))]
[JsonSerializable(typeof(AuditTailView))]
[JsonSerializable(typeof(AuditCheckView))]
[JsonSerializable(typeof(StatusView))]
[JsonSerializable(typeof(InventoryListView))]
[JsonSerializable(typeof(ActivationLockView))]
[JsonSerializable(typeof(HostedAppView))]
[JsonSerializable(typeof(Page<HostedAppView>))]
[JsonSerializable(typeof(ActivationLockCodeView))]
[JsonSerializable(typeof(AuthoritiesView))]
[JsonSerializable(typeof(AuthorityView))]
[JsonSerializable(typeof(InstalledAppsView))]
[JsonSerializable(typeof(InstalledAppDetailView))]
[JsonSerializable(typeof(ClaimRequest))]
[JsonSerializable(typeof(ClaimView))]
[JsonSerializable(typeof(Page<ClaimView>))]
[JsonSerializable(typeof(DeviceReenrolmentRequest))]
[JsonSerializable(typeof(ReenrolmentRequest))]
[JsonSerializable(typeof(ReenrolmentView))]
[JsonSerializable(typeof(RenewalView))]
[JsonSerializable(typeof(Page<RenewalView>))]
[JsonSerializable(typeof(RenewalRequested))]
[JsonSerializable(typeof(PlaceholderRequest))]
[JsonSerializable(typeof(PlaceholderView))]
[JsonSerializable(typeof(Page<PlaceholderView>))]
[JsonSerializable(typeof(ImportResult))]
[JsonSerializable(typeof(Page<SharedSerialView>))]
[JsonSerializable(typeof(GroupRequest))]
[JsonSerializable(typeof(ExamRequest))]
[JsonSerializable(typeof(ExamProlongRequest))]
[JsonSerializable(typeof(ExamDevicesRequest))]
[JsonSerializable(typeof(ExamReleaseRequest))]
[JsonSerializable(typeof(ExamView))]
[JsonSerializable(typeof(Page<ExamView>))]
[JsonSerializable(typeof(ExamPlanView))]
[JsonSerializable(typeof(Page<ExamDeviceView>))]
[JsonSerializable(typeof(ExamDoneView))]
[JsonSerializable(typeof(DeviceExamsView))]
[JsonSerializable(typeof(ClassroomRequest))]
[JsonSerializable(typeof(ClassroomSchoolView))]
[JsonSerializable(typeof(Page<ClassroomSchoolView>))]
[JsonSerializable(typeof(ClassroomDeviceView))]
[JsonSerializable(typeof(Page<ClassroomDeviceView>))]
[JsonSerializable(typeof(ReturnRequest))]
[JsonSerializable(typeof(ReturnPlanView))]
[JsonSerializable(typeof(ReturnView))]
[JsonSerializable(typeof(Page<ReturnView>))]
[JsonSerializable(typeof(Page<ReturnDeviceView>))]
[JsonSerializable(typeof(ReturnAnswerRequest))]
[JsonSerializable(typeof(ReturnAnswerView))]
[JsonSerializable(typeof(CampaignRequest))]
[JsonSerializable(typeof(CampaignView))]
[JsonSerializable(typeof(Page<CampaignView>))]
[JsonSerializable(typeof(CampaignPlanView))]
[JsonSerializable(typeof(Page<CampaignDeviceView>))]
[JsonSerializable(typeof(CollectRequest))]
[JsonSerializable(typeof(CollectView))]
[JsonSerializable(typeof(TaughtAppsView))]
[JsonSerializable(typeof(LessonLockRequest))]
[JsonSerializable(typeof(LessonDoneView))]
[JsonSerializable(typeof(AssignmentRequest))]
[JsonSerializable(typeof(SoftwareUpdateRequest))]
[JsonSerializable(typeof(DeviceDeclarationsView))]
[JsonSerializable(typeof(AssignmentView))]
[JsonSerializable(typeof(Page<AssignmentView>))]
[JsonSerializable(typeof(AssignmentPlanView))]
[JsonSerializable(typeof(Page<AssignmentDeviceView>))]
[JsonSerializable(typeof(DeviceAssignmentsView))]
[JsonSerializable(typeof(AssignmentRetryView))]
[JsonSerializable(typeof(Page<AssignmentEventView>))]
[JsonSerializable(typeof(RollOutRequest))]
[JsonSerializable(typeof(RollOutView))]
[JsonSerializable(typeof(GroupView))]
[JsonSerializable(typeof(Page<GroupView>))]
[JsonSerializable(typeof(Page<WaitingMemberView>))]
[JsonSerializable(typeof(GroupMembersRequest))]
[JsonSerializable(typeof(GroupMembersView))]
[JsonSerializable(typeof(DeviceGroupsView))]
[JsonSerializable(typeof(SchoolRequest))]
[JsonSerializable(typeof(SchoolView))]
[JsonSerializable(typeof(Page<SchoolView>))]
[JsonSerializable(typeof(UnknownSchoolsView))]
[JsonSerializable(typeof(PersonRequest))]
[JsonSerializable(typeof(PersonView))]
[JsonSerializable(typeof(Page<PersonView>))]
[JsonSerializable(typeof(PersonClassesView))]
[JsonSerializable(typeof(ClassRequest))]
[JsonSerializable(typeof(ClassView))]
[JsonSerializable(typeof(Page<ClassView>))]
[JsonSerializable(typeof(MemberRequest))]
[JsonSerializable(typeof(Page<MemberView>))]
[JsonSerializable(typeof(HandOutRequest))]
[JsonSerializable(typeof(HolderView))]
[JsonSerializable(typeof(Page<HoldingView>))]
[JsonSerializable(typeof(NoteRequest))]
[JsonSerializable(typeof(NoteView))]
[JsonSerializable(typeof(Page<NoteView>))]
[JsonSerializable(typeof(IncidentRequest))]
[JsonSerializable(typeof(IncidentChangeRequest))]
[JsonSerializable(typeof(IncidentDetailView))]
[JsonSerializable(typeof(Page<IncidentView>))]
[JsonSerializable(typeof(SetUpView))]
[JsonSerializable(typeof(DeviceImportView))]
[JsonSerializable(typeof(IReadOnlyList<DeviceImportView>))]
[JsonSerializable(typeof(Page<DeviceImportChangeView>))]
[JsonSerializable(typeof(ImportView))]
[JsonSerializable(typeof(ImportApplyRequest))]
[JsonSerializable(typeof(EnrolmentImportLine))]
[JsonSerializable(typeof(EnrolmentImportView))]
[JsonSerializable(typeof(EnrolmentExportRequest))]
[JsonSerializable(typeof(ExportManifest))]
[JsonSerializable(typeof(Page<ImportChangeView>))]
[JsonSerializable(typeof(ProfileRequest))]
[JsonSerializable(typeof(ProfileRestoreRequest))]
[JsonSerializable(typeof(ProfileWarning[]))]
[JsonSerializable(typeof(Page<ProfileSummary>))]
[JsonSerializable(typeof(ProfileView))]
[JsonSerializable(typeof(Page<ProfileVersionSummary>))]
[JsonSerializable(typeof(ProfileVersionView))]
[JsonSerializable(typeof(ProfileSaved))]
[JsonSerializable(typeof(ProfileComparisonView))]
[JsonSerializable(typeof(ProfileDeleted))]
[JsonSerializable(typeof(ProfileSendRequest))]
[JsonSerializable(typeof(ProfileLinkRequest))]
[JsonSerializable(typeof(ProfileLinkView))]
[JsonSerializable(typeof(ProfileOfferRequest))]
[JsonSerializable(typeof(ProfileOfferView))]
[JsonSerializable(typeof(MyDevicesView))]
[JsonSerializable(typeof(MyDeviceDetailView))]
[JsonSerializable(typeof(MyReportRequest))]
[JsonSerializable(typeof(MyLocationView))]
[JsonSerializable(typeof(MyInvitationRequest))]
[JsonSerializable(typeof(MyInvitationView))]
[JsonSerializable(typeof(MyProfilesView))]
[JsonSerializable(typeof(TaughtClassesView))]
[JsonSerializable(typeof(TaughtClassDetailView))]
[JsonSerializable(typeof(Page<ProfileStandingView>))]
[JsonSerializable(typeof(AutomatedServerRequest))]
[JsonSerializable(typeof(AutomatedServerView))]
[JsonSerializable(typeof(Page<AutomatedServerView>))]
[JsonSerializable(typeof(AutomatedChoiceRequest))]
[JsonSerializable(typeof(AutomatedGroupRequest))]
[JsonSerializable(typeof(AutomatedDeviceView))]
[JsonSerializable(typeof(Page<AutomatedDeviceView>))]
[JsonSerializable(typeof(AutomatedProfileRequest))]
[JsonSerializable(typeof(AutomatedProfileView))]
[JsonSerializable(typeof(Page<AutomatedProfileView>))]
[JsonSerializable(typeof(Page<SetupItemView>))]
[JsonSerializable(typeof(Page<AutomatedSchoolView>))]
[JsonSerializable(typeof(Page<AutomatedGroupView>))]
[JsonSerializable(typeof(AutomatedMigrationsView))]
[JsonSerializable(typeof(Page<AutomatedHoldView>))]
[JsonSerializable(typeof(AutomatedTokenUploadView))]
[JsonSerializable(typeof(ContentTokenRequest))]
[JsonSerializable(typeof(ContentLocationView))]
[JsonSerializable(typeof(Page<ContentLocationView>))]
[JsonSerializable(typeof(Page<ContentAssetView>))]
[JsonSerializable(typeof(Page<ContentLicenceView>))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>Commands nest a few levels; nobody needs more than this.</summary>
    public const int MaxDepth = 32;
}

/// <summary>One page of a list.</summary>
/// <param name="Items">What is on it.</param>
/// <param name="Next">For the next page's <c>after</c>; null on the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

internal static class Page
{
    public const int DefaultLimit = 100;
    public const int MostLimit = 1000;

    public static int Limit(string? limit) => Text.Number("limit", limit, 1, MostLimit, DefaultLimit);

    /// <summary>Of rows of which one more than fits was read.</summary>
    public static Page<TView> Of<TRow, TView>(IReadOnlyList<TRow> rows, int limit, Func<TRow, TView> view, Func<TRow, string> cursor) =>
        new([.. rows.Take(limit).Select(view)], rows.Count > limit ? cursor(rows[limit - 1]) : null);
}
