using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Profiles;

/// <summary>The list of the library.</summary>
public sealed record ProfilesView(FleetUser User, Page<ProfileSummary> Page, string? Text, bool IsLaterPage, string? Done);

/// <summary>Choosing what a new profile is made of.</summary>
/// <param name="Found">The types that fit what was searched.</param>
public sealed record ProfileTypesView(FleetUser User, string? Text, IReadOnlyList<PayloadChoice> Found);

/// <summary>The form that makes or changes a profile.</summary>
/// <param name="Profile">What is changed; null: it is new.</param>
/// <param name="BasedOn">The version that the form was filled from.</param>
public sealed record ProfileEditView(FleetUser User, ProfileSummary? Profile, int BasedOn, ProfileFormView Form, string? Note, string FormKey)
{
    public string Path => Profile is null ? "/profiles/new" : ProfilePaths.Of(Profile.Id) + "/edit";
}

/// <summary>The form that takes a file.</summary>
/// <param name="Profile">What gets a new version; null: it is new.</param>
/// <param name="ChangedSince">The version that the form was about, when somebody has changed the profile since; null: nobody has.</param>
/// <param name="Inspection">What was in the file that was handed in; null: none was.</param>
public sealed record ProfileUploadView(FleetUser User, ProfileSummary? Profile, string? ChangedSince, ProfileInspection? Inspection, FormState Form, string FormKey)
{
    public string Path => Profile is null ? "/profiles/upload" : ProfilePaths.Of(Profile.Id) + "/upload";
}

/// <summary>A key of a payload with what it has, for people.</summary>
public sealed record ShownKey(string Label, string Path, string Value);

/// <summary>A payload of a profile with what is in it.</summary>
public sealed record ShownPayload(string Type, string Label, string? Name, bool NeedsSupervision, IReadOnlyList<ShownKey> Keys);

/// <summary>The frame of a profile's pages.</summary>
public sealed record ProfileFrameView(FleetUser User, ProfileSummary Profile, string Tab, string? Done, string? Problem, string FormKey)
{
    public string Path => ProfilePaths.Of(Profile.Id);

    public bool MayChange => User.May(Rights.ProfileChange);

    public bool MaySend => ProfileSender.MaySend(User);
}

/// <summary>One profile: what is in it and how it stands.</summary>
/// <param name="Link">By which everybody can download it; null: nobody can.</param>
/// <param name="Offer">Who can download it at <c>/my</c>.</param>
public sealed record ProfilePageView(
    ProfileFrameView Frame, ProfileView Profile, IReadOnlyList<ShownPayload> Payloads, IReadOnlyList<ShownKey> General, IReadOnlyList<ProfileFinding> Findings, ProfileLinkView? Link,
    ProfileOfferView Offer);

public sealed record ProfileVersionsView(ProfileFrameView Frame, Page<ProfileVersionSummary> Page, bool IsLaterPage);

/// <summary>Two versions beside each other.</summary>
public sealed record ProfileCompareView(ProfileFrameView Frame, ProfileComparisonView Comparison, ProfileVersionSummary Old);

public sealed record ProfileDevicesView(ProfileFrameView Frame, Page<ProfileStandingView> Page, string? State, bool IsLaterPage, IReadOnlyList<ProfileCountView> Counts);

/// <summary>Installing a profile on iPads, or removing it: choose, see, confirm.</summary>
/// <param name="Remove">It is removed.</param>
/// <param name="Target">What was chosen: all, holders, filter or ids.</param>
/// <param name="Plan">What would happen; null: it is not known yet, and the form asks for it.</param>
/// <param name="Force">Also to iPads that would refuse it.</param>
public sealed record ProfileSendView(
    FleetUser User, ProfileSummary Profile, bool Remove, string Target, string? Filter, string? Ids, bool Force, OperationPlanView? Plan, IReadOnlyList<DeviceSummary> Examples, long Holders, FormState Form, string FormKey)
{
    public string Path => ProfilePaths.Of(Profile.Id) + (Remove ? "/remove" : "/install");
}

/// <param name="Confirmation">Of the removal from all that have it; null: nobody has it.</param>
public sealed record ProfileDeleteView(FleetUser User, ProfileSummary Profile, long Holders, string? Confirmation, FormState Form, string FormKey);

internal static class ProfilePaths
{
    public static string Of(string id) => "/profiles/" + Uri.EscapeDataString(id);
}
