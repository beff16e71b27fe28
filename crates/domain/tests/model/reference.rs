//! The rules once more, as plainly as they can be said: lists that are searched and changed in place, no events, nothing shared with the crate
//! but the words of its language. Slow and obvious on purpose; where it and the crate differ, one of them is wrong.

use videorooms_domain::{
    Actor, Command, CommandId, EndReason, Join, NodeIncarnation, ParticipantId, Position, Rejection, Request,
    Resume, Role, SecretHash, Settings, SettingsPatch, SourceSet, Timestamp,
};

type Id = ParticipantId;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) rights: SourceSet,
    pub(crate) muted: SourceSet,
    pub(crate) via: NodeIncarnation,
    pub(crate) address: Option<String>,
    /// Newest first; one or two.
    pub(crate) secrets: Vec<SecretHash>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Reference {
    pub(crate) settings: Settings,
    pub(crate) ended: Option<EndReason>,
    pub(crate) members: Vec<Member>,
    /// There has been a host.
    pub(crate) hosted: bool,
    pub(crate) hands: Vec<Id>,
    pub(crate) waiting: Vec<(Id, String)>,
    pub(crate) admitted: Vec<Id>,
    pub(crate) banned: Vec<(Id, Option<String>)>,
    /// Members whose time ran out, as they were.
    pub(crate) absent: Vec<Member>,
    /// Whom a moderator removed, and who has not been in since.
    pub(crate) removed: Vec<Id>,
    pub(crate) chat: Vec<(Id, String, Timestamp)>,
    pub(crate) media_node: Option<NodeIncarnation>,
    pub(crate) done: Vec<(Id, CommandId, Position)>,
    pub(crate) changed_at: Timestamp,
}

impl Reference {
    /// Answers whether anything changed. Nothing did if it is an error.
    pub(crate) fn apply(&mut self, at: Timestamp, request: &Request) -> Result<bool, Rejection> {
        let mut next = self.clone();
        next.obey(at, request)?;
        let changed = next != *self;
        if changed {
            next.changed_at = at;
            next.chat
                .retain(|(_, _, said)| said.0 + 7 * 24 * 3600 * 1000 >= at.0);
            *self = next;
        }
        Ok(changed)
    }

    pub(crate) fn member(&self, id: Id) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    pub(crate) fn publishable(&self, id: Id) -> SourceSet {
        self.member(id)
            .map_or(SourceSet::NONE, |member| member.rights.minus(member.muted))
    }

    pub(crate) fn is_waiting(&self, id: Id) -> bool {
        self.waiting.iter().any(|(waiting, _)| *waiting == id)
    }

    fn obey(&mut self, at: Timestamp, request: &Request) -> Result<(), Rejection> {
        if self.ended.is_some() {
            return Err(Rejection::Ended);
        }
        let by = request.by;
        match &request.command {
            Command::Join(join) => self.join(me(by)?, at, join)?,
            Command::Resume(resume) => self.resume(me(by)?, resume)?,
            Command::Attach { via } => self.myself(by)?.via = via.clone(),
            Command::RotateResume { resume } => {
                let secrets = &mut self.myself(by)?.secrets;
                if secrets[0] != *resume {
                    *secrets = vec![*resume, secrets[0]];
                }
            }
            Command::Leave => {
                let id = me(by)?;
                if self.member(id).is_some() {
                    drop(self.remove(id));
                } else if self.is_waiting(id) {
                    self.waiting.retain(|(waiting, _)| *waiting != id);
                } else {
                    return Err(Rejection::NotMember);
                }
            }
            Command::Expire { participant } => {
                only(by == Actor::System)?;
                if self.is_waiting(*participant) {
                    self.waiting.retain(|(waiting, _)| waiting != participant);
                } else {
                    self.other(*participant)?;
                    let member = self.remove(*participant);
                    self.absent.extend(member);
                }
            }
            Command::Rename { name } => {
                self.myself(by)?;
                let name = tidy(name, 1, 64)?;
                self.myself(by)?.name = name;
            }
            Command::SetRole { participant, role } => self.set_role(by, *participant, *role)?,
            Command::Kick {
                participant,
                ban,
                ban_address,
            } => self.kick(by, *participant, *ban, *ban_address)?,
            Command::Unban { participant } => {
                self.rank(by)?;
                if !self.banned.iter().any(|(banned, _)| banned == participant) {
                    return Err(Rejection::NoSuchParticipant);
                }
                self.banned.retain(|(banned, _)| banned != participant);
            }
            Command::Mute { participant, source } => {
                self.rank(by)?;
                let member = self.other(*participant)?;
                member.muted = member.muted.with(*source);
            }
            Command::Unmute { participant, source } => {
                let member = self.self_or_other(by, *participant)?;
                member.muted = member.muted.without(*source);
            }
            Command::SetRights { participant, rights } => {
                let rank = self.rank(by)?;
                let member = self.other(*participant)?;
                only(rank.is_none_or(|rank| rank >= member.role))?;
                if member.role == Role::Viewer && *rights != SourceSet::NONE {
                    return Err(Rejection::Invalid(""));
                }
                member.rights = *rights;
            }
            Command::DecideLobby { participant, admit } => {
                self.rank(by)?;
                if self.is_waiting(*participant) {
                    self.waiting.retain(|(waiting, _)| waiting != participant);
                    if *admit {
                        self.admitted.push(*participant);
                    }
                } else if !(*admit
                    && (self.admitted.contains(participant) || self.member(*participant).is_some()))
                {
                    return Err(Rejection::NoSuchParticipant);
                }
            }
            Command::ChangeSettings(patch) => self.change_settings(by, patch)?,
            Command::RaiseHand => {
                let id = self.speaker(by)?;
                if !self.hands.contains(&id) {
                    self.hands.push(id);
                }
            }
            Command::LowerHand { participant } => {
                self.self_or_other(by, *participant)?;
                self.hands.retain(|hand| hand != participant);
            }
            Command::Chat { text } => {
                let id = self.speaker(by)?;
                let text = text.trim();
                let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
                if text.is_empty() || text.chars().count() > 4000 || text.contains(bad) {
                    return Err(Rejection::Invalid(""));
                }
                self.chat.push((id, text.to_owned(), at));
            }
            Command::SetMediaNode { node } => {
                only(by == Actor::System)?;
                self.media_node = Some(node.clone());
            }
            Command::End { reason } => {
                match by {
                    Actor::System => {
                        only(*reason != EndReason::Host)?;
                        only(*reason != EndReason::Empty || self.members.is_empty())?;
                    }
                    Actor::Participant(_) => {
                        only(*reason == EndReason::Host)?;
                        only(self.myself(by)?.role == Role::Host)?;
                    }
                }
                let (settings, done) = (self.settings.clone(), self.done.clone());
                *self = Self {
                    settings,
                    done,
                    ended: Some(*reason),
                    ..Self::default()
                };
            }
        }
        Ok(())
    }

    fn join(&mut self, id: Id, _at: Timestamp, join: &Join) -> Result<(), Rejection> {
        if self.banned.iter().any(|(banned, _)| *banned == id) {
            return Err(Rejection::Banned);
        }
        if let Some(member) = self.members.iter_mut().find(|member| member.id == id) {
            member.via = join.via.clone();
            return Ok(());
        }
        if let Some(absent) = self.absent.iter().find(|absent| absent.id == id).cloned() {
            let secrets = vec![join.resume, absent.secrets[0]];
            return self.come_back(absent, secrets, &join.via, join.address.clone());
        }
        if join.address.is_some() && self.banned.iter().any(|(_, address)| *address == join.address) {
            return Err(Rejection::Banned);
        }
        let name = tidy(&join.name, 1, 64)?;
        let passes = join.role >= Role::Moderator || self.admitted.contains(&id);
        if self.settings.locked && !passes {
            return Err(Rejection::Locked);
        }
        if self.members.len() >= self.settings.participant_limit as usize {
            return Err(Rejection::Full);
        }
        if self.settings.lobby && !passes {
            if !self.is_waiting(id) {
                self.waiting.push((id, name));
            }
            return Ok(());
        }
        self.waiting.retain(|(waiting, _)| *waiting != id);
        self.admitted.retain(|admitted| *admitted != id);
        self.removed.retain(|removed| *removed != id);
        let role = self.welcome(join.role);
        let rights = if role == Role::Viewer {
            SourceSet::NONE
        } else {
            SourceSet::ALL
        };
        let (via, address) = (join.via.clone(), join.address.clone());
        let (muted, secrets) = (SourceSet::NONE, vec![join.resume]);
        self.members.push(Member {
            id,
            name,
            role,
            rights,
            muted,
            via,
            address,
            secrets,
        });
        Ok(())
    }

    fn resume(&mut self, id: Id, resume: &Resume) -> Result<(), Rejection> {
        self.verify(id, &resume.used)?;
        let secrets = vec![resume.fresh, resume.used];
        if let Some(absent) = self.absent.iter().find(|absent| absent.id == id).cloned() {
            return self.come_back(absent, secrets, &resume.via, resume.address.clone());
        }
        let member = self.other(id)?;
        member.via = resume.via.clone();
        member.secrets = secrets;
        member.secrets.dedup();
        Ok(())
    }

    fn come_back(
        &mut self,
        absent: Member,
        secrets: Vec<SecretHash>,
        via: &NodeIncarnation,
        address: Option<String>,
    ) -> Result<(), Rejection> {
        if self.members.len() >= self.settings.participant_limit as usize {
            return Err(Rejection::Full);
        }
        self.absent.retain(|other| other.id != absent.id);
        let role = self.welcome(absent.role);
        let mut member = Member {
            role,
            secrets,
            via: via.clone(),
            address,
            ..absent
        };
        member.secrets.dedup();
        self.members.push(member);
        Ok(())
    }

    fn welcome(&mut self, role: Role) -> Role {
        let has_host = self.members.iter().any(|member| member.role == Role::Host);
        let is_open = !self.settings.locked && !self.settings.lobby;
        if has_host && role == Role::Host {
            Role::Moderator
        } else if role == Role::Host || (!has_host && self.hosted && is_open && role != Role::Viewer) {
            self.hosted = true;
            Role::Host
        } else {
            role
        }
    }

    pub(crate) fn verify(&self, id: Id, secret: &SecretHash) -> Result<(), Rejection> {
        if self.ended.is_some() {
            return Err(Rejection::Ended);
        }
        if self.banned.iter().any(|(banned, _)| *banned == id) {
            return Err(Rejection::Banned);
        }
        let mut known = self.members.iter().chain(&self.absent);
        match known.find(|known| known.id == id) {
            Some(known) if known.secrets.contains(secret) => Ok(()),
            Some(_) => Err(Rejection::Unauthorized),
            None if self.removed.contains(&id) => Err(Rejection::Kicked),
            None => Err(Rejection::NotMember),
        }
    }

    fn set_role(&mut self, by: Actor, id: Id, role: Role) -> Result<(), Rejection> {
        let rank = self.rank(by)?;
        let old = self.other(id)?.role;
        if old == role {
            return Ok(());
        }
        only(old != Role::Host)?;
        if rank == Some(Role::Moderator) {
            only(old <= Role::Participant && role <= Role::Participant)?;
        }
        for member in &mut self.members {
            if role == Role::Host && member.role == Role::Host {
                member.role = Role::Moderator;
            }
        }
        let member = self.other(id)?;
        member.role = role;
        if role == Role::Viewer {
            member.rights = SourceSet::NONE;
            self.hands.retain(|hand| *hand != id);
        } else if old == Role::Viewer {
            member.rights = SourceSet::ALL;
        }
        Ok(())
    }

    fn kick(&mut self, by: Actor, id: Id, ban: bool, ban_address: bool) -> Result<(), Rejection> {
        let rank = self.rank(by)?;
        let mut known = self.members.iter().chain(&self.absent);
        let known = known.find(|known| known.id == id);
        let target = known.ok_or(Rejection::NoSuchParticipant)?.clone();
        only(by != Actor::Participant(id))?;
        only(rank.is_none_or(|rank| rank >= target.role))?;
        if ban || ban_address {
            self.banned.push((id, target.address.filter(|_| ban_address)));
        } else {
            self.removed.push(id);
        }
        self.absent.retain(|absent| absent.id != id);
        drop(self.remove(id));
        Ok(())
    }

    fn change_settings(&mut self, by: Actor, patch: &SettingsPatch) -> Result<(), Rejection> {
        self.rank(by)?;
        let settings = &mut self.settings;
        settings.participant_limit = patch.participant_limit.unwrap_or(settings.participant_limit);
        if settings.participant_limit == 0 || settings.participant_limit > 100_000 {
            return Err(Rejection::Invalid(""));
        }
        if let Some(name) = &patch.name {
            settings.name = tidy(name, 0, 120)?;
        }
        if let Some(password) = &patch.password {
            settings.password = password.clone();
        }
        settings.locked = patch.locked.unwrap_or(settings.locked);
        let had_lobby = settings.lobby;
        settings.lobby = patch.lobby.unwrap_or(had_lobby);
        if had_lobby && !self.settings.lobby {
            let waiting: Vec<_> = self.waiting.drain(..).map(|(id, _)| id).collect();
            self.admitted.extend(waiting);
        }
        Ok(())
    }

    fn remove(&mut self, id: Id) -> Option<Member> {
        let member = self.member(id).cloned();
        let was_host = self.member(id).is_some_and(|member| member.role == Role::Host);
        self.members.retain(|member| member.id != id);
        self.hands.retain(|hand| *hand != id);
        if was_host {
            let heirs = [Role::Moderator, Role::Participant];
            let heir = heirs
                .iter()
                .find_map(|role| self.members.iter().position(|member| member.role == *role));
            if let Some(place) = heir {
                self.members[place].role = Role::Host;
            }
        }
        member
    }

    fn myself(&mut self, by: Actor) -> Result<&mut Member, Rejection> {
        let id = me(by)?;
        self.members
            .iter_mut()
            .find(|member| member.id == id)
            .ok_or(Rejection::NotMember)
    }

    fn other(&mut self, id: Id) -> Result<&mut Member, Rejection> {
        self.members
            .iter_mut()
            .find(|member| member.id == id)
            .ok_or(Rejection::NoSuchParticipant)
    }

    fn self_or_other(&mut self, by: Actor, id: Id) -> Result<&mut Member, Rejection> {
        if by == Actor::Participant(id) {
            return self.myself(by);
        }
        self.rank(by)?;
        self.other(id)
    }

    fn speaker(&mut self, by: Actor) -> Result<Id, Rejection> {
        let member = self.myself(by)?;
        only(member.role != Role::Viewer)?;
        Ok(member.id)
    }

    /// Of someone who moderates; the house has none.
    fn rank(&mut self, by: Actor) -> Result<Option<Role>, Rejection> {
        if by == Actor::System {
            return Ok(None);
        }
        let role = self.myself(by)?.role;
        only(role >= Role::Moderator)?;
        Ok(Some(role))
    }
}

fn me(by: Actor) -> Result<Id, Rejection> {
    match by {
        Actor::Participant(id) => Ok(id),
        Actor::System => Err(Rejection::Forbidden),
    }
}

fn only(allowed: bool) -> Result<(), Rejection> {
    if allowed {
        Ok(())
    } else {
        Err(Rejection::Forbidden)
    }
}

fn tidy(name: &str, least: usize, most: usize) -> Result<String, Rejection> {
    let name = name.trim();
    let count = name.chars().count();
    if count < least || count > most || name.chars().any(|c| c.is_control() || c == '\u{202E}') {
        return Err(Rejection::Invalid(""));
    }
    Ok(name.to_owned())
}
