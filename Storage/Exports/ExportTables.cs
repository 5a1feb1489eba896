using System.Globalization;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Returns;
using static FleetMdm.Storage.Exports.ExportColumns;

namespace FleetMdm.Storage.Exports;

/// <summary>The tables that leave with the district, and their columns. Nothing secret is among them: no token, hash, key, push magic, location, nor anything that is sealed.</summary>
public static class ExportTables
{
    public static readonly IReadOnlyList<ExportTable> All =
    [
        new()
        {
            Name = "devices", Words = "An enrolment: an iPad, or a user of a Shared iPad. Capacities are in GB, the battery is from 0 to 1.",
            From = "devices d LEFT JOIN device_activity a ON a.id = d.id", Keys = [new("d.id")],
            Columns =
            [
                Text("d.id"), Text("d.device_id"), Title<EnrolmentKind>("d.kind"), Title<EnrolmentStatus>("d.status"), Text("d.udid"), Text("d.serial_number"), Text("d.device_name"),
                Text("d.product_name"), Text("d.model"), Text("d.model_name"), Text("d.os_version"), Text("d.build_version"), Text("d.imei"), Text("d.meid"), Text("d.school"),
                Text("d.user_short_name"), Text("d.user_long_name"), Flag("d.is_supervised"), Flag("d.is_shared"), Flag("d.is_lost"), Real("d.battery_level"), Real("d.device_capacity"),
                Real("d.available_device_capacity"), Time("d.details_at"), Number("d.access_rights"), Time("d.authenticated_at"), Time("d.enrolled_at"), Time("d.unenrolled_at"), Time("a.last_seen_at"),
            ],
        },
        new()
        {
            Name = "inventory", Words = "Something that an iPad said is on it: an app, a profile, a certificate, a setting. Locations are left out.",
            From = "inventory_items i LEFT JOIN inventory_lists l ON l.device_id = i.device_id AND l.list = i.list",
            Where = string.Create(CultureInfo.InvariantCulture, $"i.list <> {(short)InventoryList.Location}"), Keys = [new("i.device_id"), new("i.list", IsNumber: true), new("i.key")],
            Columns = [Text("i.device_id"), Word<InventoryList>("i.list"), Text("i.key"), Text("i.name"), Text("i.value"), Time("i.expires_at"), Json("i.details"), Time("l.as_of")],
        },
        new()
        {
            Name = "placeholders", Words = "What is known of an iPad by its serial number, before it enrols and after.",
            From = "placeholders p", Keys = [new("p.serial_number")],
            Columns = [Text("p.serial_number"), Text("p.name"), Text("p.school"), Text("p.asset_tag"), Text("p.person_id"), Time("p.created_at"), Text("p.created_by"), Time("p.updated_at")],
        },
        new()
        {
            Name = "holdings", Words = "Who has an iPad, and who had it.",
            From = "holdings h", Keys = [new("h.id")],
            Columns =
            [
                Text("h.id"), Text("h.device_id"), Text("h.person_id"), Text("h.due_on"), Time("h.given_at"), Text("h.given_by"), Time("h.returned_at"), Text("h.returned_by"), Time("h.return_asked_at"),
            ],
        },
        new()
        {
            Name = "schools", Words = "A school. In hours each item is a day of the week (Sunday is 0), and from which minute of the day to which.",
            From = "schools s", Keys = [new("s.id")],
            Columns =
            [
                Text("s.id"), Text("s.name"), Text("s.code"), Text("s.source_id"), Text("s.time_zone"), Json("s.hours"), Number("s.at_once"), Flag("s.archived"), Time("s.created_at"), Text("s.created_by"),
                Time("s.updated_at"), Text("s.updated_by"),
            ],
        },
        new()
        {
            Name = "people", Words = "A pupil, a teacher, somebody of the staff.",
            From = "people p", Keys = [new("p.id")],
            Columns =
            [
                Text("p.id", "personId"), Text("p.school_id"), Word<PersonRole>("p.role"), Text("p.given_name"), Text("p.family_name"), Text("p.source_id"), Text("p.username"), Text("p.email"),
                Text("p.managed_account"), Text("p.grade"), Flag("p.active"), Time("p.left_at"), Time("p.created_at"), Text("p.created_by"), Time("p.updated_at"), Text("p.updated_by"),
            ],
        },
        new()
        {
            Name = "classes", Words = "A class.",
            From = "classes c", Keys = [new("c.id")],
            Columns =
            [
                Text("c.id"), Text("c.school_id"), Text("c.name"), Text("c.code"), Text("c.source_id"), Text("c.ends_on"), Flag("c.active"), Time("c.created_at"), Text("c.created_by"), Time("c.updated_at"),
                Text("c.updated_by"),
            ],
        },
        new()
        {
            Name = "class-members", Words = "Somebody in a class, as a pupil or as a teacher.",
            From = "class_members m", Keys = [new("m.class_id"), new("m.person_id")],
            Columns = [Text("m.class_id"), Text("m.person_id"), Word<PersonRole>("m.role")],
        },
        new()
        {
            Name = "groups", Words = "A group of iPads. Rule: in the words of the filter; without one the iPads are chosen by hand. Uses: the groups that the rule names.",
            From = "device_groups g", Keys = [new("g.id")],
            Columns =
            [
                Text("g.id"), Text("g.name"), Text("g.school_id"), Text("g.note"), Text("g.rule"), Lines("g.uses"), Time("g.created_at"), Text("g.created_by"), Time("g.updated_at"), Text("g.updated_by"),
            ],
        },
        new()
        {
            Name = "group-members", Words = "An iPad that was chosen by hand for a group.",
            From = "device_group_members m", Keys = [new("m.group_id"), new("m.device_id")],
            Columns = [Text("m.group_id"), Text("m.device_id"), Time("m.added_at")],
        },
        new()
        {
            Name = "group-serials", Words = "A serial number that was put into a group by hand before its iPad enrolled.",
            From = "device_group_serials w", Keys = [new("w.group_id"), new("w.serial_number")],
            Columns = [Text("w.group_id"), Text("w.serial_number"), Time("w.added_at")],
        },
        new()
        {
            Name = "assignment-devices", Words = "How an assignment stands on an iPad, or with a user of a Shared iPad: deviceId is then the user's own enrolment.",
            From = "assignment_devices a", Keys = [new("a.device_id"), new("a.assignment_id")],
            Columns =
            [
                Text("a.device_id"), Text("a.assignment_id"), Word<AssignmentState>("a.state"), Number("a.revision"), Number("a.installed"), Number("a.attempts"), Time("a.changed_at"), Text("a.reason"),
            ],
        },
        new()
        {
            Name = "profile-devices", Words = "Which version of a profile of the library was sent to an iPad last.",
            From = "profile_installs i", Keys = [new("i.device_id"), new("i.profile_id")],
            Columns = [Text("i.device_id"), Text("i.profile_id"), Number("i.version"), Text("i.command_uuid"), Time("i.changed_at"), Text("i.reason")],
        },
        new()
        {
            Name = "hosted-apps", Words = "An in-house app on this server. Its file is not in the archive.",
            From = "hosted_apps h", Keys = [new("h.id")],
            Columns =
            [
                Text("h.id"), Text("h.bundle_id"), Text("h.name"), Text("h.version"), Text("h.short_version"), Text("h.minimum_os", "minimumOs"), Number("h.size"), Time("h.uploaded_at"), Text("h.uploaded_by"),
            ],
        },
        new()
        {
            Name = "operations", Words = "A command that was sent to many iPads. Target: in the words of the one who asked. Total: how many it was for.",
            From = "operations o", Keys = [new("o.number", IsNumber: true)],
            Columns =
            [
                Text("o.id"), Text("o.command_uuid"), Text("o.request_type"), Json("o.target"), Json("o.schools"), Time("o.accepted_at"), Time("o.expires_at"), Text("o.requested_by"), Number("o.total"),
                Number("o.left_out"), Time("o.cancelled_at"), Json("o.pace"), Word<OperationPhase>("o.phase"), Number("o.skipped"), Text("o.stop_reason"), Text("o.retry_of"), Text("o.repeat_id"),
            ],
        },
        new()
        {
            Name = "repeating-operations", Words = "An operation that is started again and again. Days: of the week, Sunday is 0. AtMinutes: after midnight.",
            From = "repeating_operations r", Keys = [new("r.id")],
            Columns =
            [
                Text("r.id"), Text("r.name"), Text("r.request_type"), Json("r.asked", "target"), Json("r.pace"), Number("r.expires_hours"), Text("r.days"), Number("r.at_minutes"), Text("r.time_zone"),
                Word<RepeatState>("r.state"), Time("r.next_at"), Time("r.last_at"), Text("r.last_operation_id"), Text("r.last_problem"), Time("r.created_at"), Text("r.created_by"),
            ],
        },
        new()
        {
            Name = "commands-finished", Words = "A command that has ended on an iPad, and how. Its content and its answer are left out: they may hold secrets.",
            From = "history h", Keys = [new("h.enrolment_id"), new("h.sequence", IsNumber: true, Descending: true)],
            Columns =
            [
                Text("h.enrolment_id", "deviceId"), Text("h.command_uuid"), Text("h.request_type"), Title<CommandEnding>("h.ending", "state"), Time("h.accepted_at"), Time("h.sent_at"), Time("h.finished_at"),
                Number("h.not_now_count"), Text("h.operation_id"), Text("h.error_summary"),
            ],
        },
        new()
        {
            Name = "commands-waiting", Words = "A command that waits for an iPad.",
            From = "queue q", Keys = [new("q.enrolment_id"), new("q.sequence", IsNumber: true)],
            Columns =
            [
                Text("q.enrolment_id", "deviceId"), Text("q.command_uuid"), Text("q.request_type"), Time("q.accepted_at"), Time("q.expires_at"), Number("q.not_now_count"), Time("q.not_now_at"), Text("q.operation_id"),
            ],
        },
        new()
        {
            Name = "incidents", Words = "Something that happened to an iPad: broken, in repair, lost.",
            From = "incidents i", Keys = [new("i.id")],
            Columns = [Text("i.id"), Text("i.device_id"), Word<IncidentKind>("i.kind"), Time("i.opened_at"), Text("i.opened_by"), Time("i.closed_at"), Text("i.closed_by")],
        },
        new()
        {
            Name = "notes", Words = "A note about an iPad, or a step of an incident.",
            From = "device_notes n", Keys = [new("n.id")],
            Columns =
            [
                Text("n.id"), Text("n.device_id"), Text("n.incident_id"), Word<NoteKind>("n.what"), Word<IncidentKind>("n.kind", "incidentKind"), Text("n.text"), Time("n.written_at"), Text("n.written_by"),
            ],
        },
        new()
        {
            Name = "campaigns", Words = "An end of a year: iPads that come back.",
            From = "campaigns c", Keys = [new("c.id")],
            Columns =
            [
                Text("c.id"), Text("c.name"), Text("c.school_id"), Text("c.target"), Json("c.class_ids"), Text("c.due_on"), Time("c.created_at"), Text("c.created_by"), Time("c.closed_at"), Text("c.closed_by"),
            ],
        },
        new()
        {
            Name = "campaign-devices", Words = "An iPad of a campaign, as it stood when the campaign was made, and whether it came back.",
            From = "campaign_devices c", Keys = [new("c.campaign_id"), new("c.device_id")],
            Columns =
            [
                Text("c.campaign_id"), Text("c.device_id"), Text("c.serial_number"), Text("c.device_name"), Text("c.school"), Text("c.person_id"), Time("c.collected_at"), Text("c.collected_by"), Text("c.holding_id"),
            ],
        },
        new()
        {
            Name = "returns", Words = "An operation that erased iPads which come back by themselves (Return to Service). Hours: after which an iPad is looked for.",
            From = "returns r", Keys = [new("r.operation_id")],
            Columns =
            [
                Text("r.operation_id"), Text("r.wifi_profile_id"), Text("r.wifi_name"), Number("r.hours"), Flag("r.keep_apps"), Time("r.created_at"), Time("r.closed_at"), Text("r.closed_by"),
            ],
        },
        new()
        {
            Name = "return-devices", Words = "An iPad that was erased to come back by itself, as it stood then, and whether it is back.",
            From = "return_devices d", Keys = [new("d.operation_id"), new("d.enrolment_id")],
            Columns =
            [
                Text("d.operation_id"), Text("d.enrolment_id"), Text("d.school"), Text("d.device_name"), Time("d.handed_at"), Time("d.erased_at"), Time("d.due_at"), Time("d.returned_at"),
                Word<ReturnedBy>("d.returned_by"),
            ],
        },
        new()
        {
            Name = "accounts", Words = "Somebody who signs in. Without password, second step and sessions.",
            From = "accounts a", Keys = [new("a.id")],
            Columns =
            [
                Text("a.id"), Text("a.user_name"), Text("a.name"), Text("a.role"), Json("a.schools"), Flag("a.disabled"), Text("a.person_id"), Flag("a.totp_secret IS NOT NULL", "hasSecondStep"),
                Time("a.last_sign_in_at"), Text("a.issuer"), Text("a.subject"), Time("a.created_at"), Text("a.created_by"), Time("a.updated_at"), Text("a.updated_by"),
            ],
        },
        new()
        {
            Name = "invitations", Words = "An invitation to enrol, without its link.",
            From = "invitations i", Keys = [new("i.number", IsNumber: true)],
            Columns =
            [
                Number("i.number"), Text("i.name"), Text("i.school"), Number("i.max_uses"), Number("i.uses"), Lines("i.only_for"), Flag("i.allow_reenrolment"), Number("i.access_rights"), Text("i.person_id"),
                Flag("i.automated"), Flag("i.of_schools"), Time("i.created_at"), Text("i.created_by"), Time("i.expires_at"), Time("i.revoked_at"),
            ],
        },
        new()
        {
            Name = "automated-servers", Words = "A device management service of Apple School Manager, without its token and key.",
            From = "automated_servers s", Keys = [new("s.id")],
            Columns =
            [
                Text("s.id"), Text("s.name"), Text("s.apple_uuid"), Text("s.apple_name"), Text("s.organization"), Text("s.organization_id"), Text("s.profile_id"), Time("s.token_expires_at"), Time("s.token_at"),
                Text("s.token_by"), Time("s.fetched_at"), Time("s.synced_at"), Word<AutomatedProblem>("s.problem"), Text("s.problem_detail"), Time("s.created_at"), Text("s.created_by"), Time("s.updated_at"),
                Text("s.updated_by"),
            ],
        },
        new()
        {
            Name = "automated-profiles", Words = "An enrolment profile for iPads out of the box.",
            From = "automated_profiles p", Keys = [new("p.id")],
            Columns = [Text("p.id"), Text("p.name"), Json("p.definition"), Time("p.created_at"), Text("p.created_by"), Time("p.updated_at"), Text("p.updated_by")],
        },
        new()
        {
            Name = "automated-schools", Words = "The enrolment profile of iPads of a school.",
            From = "automated_schools s", Keys = [new("s.school_id")],
            Columns = [Text("s.school_id"), Text("s.profile_id")],
        },
        new()
        {
            Name = "automated-groups", Words = "The enrolment profile of iPads of a group. Of several groups of an iPad, the lowest priority counts.",
            From = "automated_groups g", Keys = [new("g.group_id")],
            Columns = [Text("g.group_id"), Text("g.profile_id"), Number("g.priority")],
        },
        new()
        {
            Name = "automated-devices", Words = "An iPad as Apple School Manager knows it.",
            From = "automated_devices d", Keys = [new("d.serial_number")],
            Columns =
            [
                Text("d.serial_number"), Text("d.server_id"), Text("d.model"), Text("d.description"), Text("d.color"), Text("d.asset_tag"), Text("d.device_family"), Text("d.os"), Text("d.profile_uuid"),
                Text("d.profile_status"), Time("d.profile_assigned_at"), Time("d.profile_pushed_at"), Text("d.assigned_by"), Time("d.assigned_at"), Time("d.migration_deadline"), Time("d.migration_since"), Time("d.first_at"),
                Time("d.released_at"), Text("d.profile_id"), Word<AutomatedState>("d.state"), Text("d.reason"),
            ],
        },
        new()
        {
            Name = "content-locations", Words = "A location of Apps and Books, without its token.",
            From = "content_locations l", Keys = [new("l.id")],
            Columns =
            [
                Text("l.id"), Text("l.uid"), Text("l.name"), Text("l.organization"), Text("l.country"), Time("l.token_expires_at"), Time("l.token_at"), Text("l.token_by"), Text("l.mdm_name"), Time("l.claimed_at"),
                Text("l.claimed_by"), Word<ContentProblem>("l.problem"), Text("l.problem_detail"), Time("l.created_at"), Text("l.created_by"),
            ],
        },
        new()
        {
            Name = "content-assets", Words = "An app or a book that a location has licences of.",
            From = "content_assets a", Keys = [new("a.location_id"), new("a.adam_id"), new("a.pricing")],
            Columns =
            [
                Text("a.location_id"), Text("a.adam_id"), Text("a.pricing"), Text("a.product_type"), Flag("a.device_assignable"), Flag("a.revocable"), Number("a.total"), Number("a.assigned"), Number("a.available"),
                Text("a.name"), Text("a.bundle_id"), Time("a.counted_at"),
            ],
        },
        new()
        {
            Name = "content-licences", Words = "A licence of an iPad.",
            From = "content_licences l", Keys = [new("l.location_id"), new("l.adam_id"), new("l.pricing"), new("l.serial_number")],
            Columns = [Text("l.location_id"), Text("l.adam_id"), Text("l.pricing"), Text("l.serial_number"), Word<LicenceState>("l.state"), Flag("l.ours"), Time("l.changed_at"), Text("l.reason")],
        },
    ];
}
